"""Personal data: how much is found, how much is wrong, and how fast; beside Presidio where it can be installed.

    TAMIS_DATA=../shared/data python benchmarks/privacy.py [--peer PYTHON] [--rows 100000]

Labelled texts: the 1,500 of presidio-research (names from FakeNameGenerator). Values in many formats: Faker in 35
locales, set into sentences of our own. False alarms: sets that hold next to no personal data. Presidio and Faker run in
an environment of their own (`--peer`, or one made under build/, which takes a network and 400 MB); without one their
columns are left out. Speeds are CPU seconds of one process. Prints Markdown; about two minutes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
#: Labels of the labelled set → our kinds.
LABELS = {
    "EMAIL_ADDRESS": ("email",), "PHONE_NUMBER": ("phone",), "CREDIT_CARD": ("card",), "IBAN_CODE": ("iban",), "US_SSN": ("us_ssn",),
    "IP_ADDRESS": ("ipv4", "ipv6"), "STREET_ADDRESS": ("address",), "ZIP_CODE": ("address",), "PERSON": ("person",),
}  # fmt: skip
PEER = {
    "EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "card", "IBAN_CODE": "iban", "US_SSN": "us_ssn",
    "IP_ADDRESS": "ipv4", "PERSON": "person", "LOCATION": "address",
}  # fmt: skip
LOCALES = "en_US en_GB de_DE fr_FR es_ES it_IT nl_NL pl_PL pt_BR pt_PT sv_SE da_DK no_NO fi_FI cs_CZ de_AT de_CH en_AU en_CA en_IN en_IE ja_JP ko_KR zh_CN tr_TR ru_RU uk_UA hu_HU el_GR ro_RO en_NZ he_IL ar_AE es_MX hi_IN"
SENTENCES = {
    "phone": ("phone", "phone_number", ("Phone: {}", "You can call me at {} after 5pm", "tel. {}", "Please text {} when you arrive.", '{{"phone": "{}"}}', "My mobile number is {}, thanks", "{} is my number")),
    "phone, no word near": ("phone", "phone_number", ("Name: X, {}, Berlin", "The details are below.\n\n{}\n\nBye", "Ok ({})")),
    "card": ("card", "credit_card_number", ("card {}", "pay with {} exp 01/29", '{{"cc": "{}"}}', "My visa {}.")),
    "card, no word near": ("card", "credit_card_number", ("{}", "Here: {}, ok?")),
    "iban": ("iban", "iban", ("IBAN {}", "to {} please", '"{}"')),
    "email": ("email", "email", ("{}", "mail {} now", "<{}>")),
    "ipv4": ("ipv4", "ipv4_public", ("{}", "from {} to", "{}:80")),
    "ipv6": ("ipv6", "ipv6", ("{}", "[{}]:80", "at {}.")),
    "mac": ("mac", "mac_address", ("{}", "mac {} up")),
    "address": ("address", "address", ("I live at {}", "Address: {}", "ship to {} please")),
}  # fmt: skip
CLEAN = ("benchmarks/gsm8k_test.jsonl.gz", "gpteacher/codegen-instruct.json.gz", "raw-docs/rust_book_md.jsonl.gz", "benchmarks/math.jsonl.gz", "benchmarks/humaneval.jsonl.gz")  # fmt: skip


def interval(hits: int, n: int) -> str:
    """A share with its 95 % interval (Wilson)."""
    if n == 0:
        return "–"
    share, z = hits / n, 1.96
    middle, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = (max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n)))
    return f"{share:.3f} ({low:.2f}–{high:.2f})"


def strings(value: Any) -> list[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        return [value]
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in values for text in strings(one)]


def texts_of(path: Path) -> list[str]:
    """One text a record."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        raw = file.read()
    records = (
        json.loads(raw) if path.name.endswith(".json.gz") else [json.loads(line) for line in raw.split("\n") if line]
    )
    return ["\n".join(strings(record)) for record in records]


Spans = list[list[tuple[int, int, str]]]


def ours(texts: list[str]) -> tuple[Spans, float]:
    """(start, end, kind) in code points for each text, and the CPU seconds."""
    import polars as pl

    from tamis.engine.pii import KINDS, find
    from tamis.engine.pii_rows import code_points
    from tamis.engine.text import to_text

    find(to_text(pl.Series(texts[:50])))  # compiled code is loaded
    text = to_text(pl.Series(texts))
    begin = time.process_time()
    found = find(text)
    seconds = time.process_time() - begin
    start, end = code_points(text, found)
    spans: Spans = [[] for _ in texts]
    for row, s, e, kind in zip(found.row.tolist(), start.tolist(), end.tolist(), found.kind.tolist(), strict=True):
        spans[row].append((s, e, KINDS[kind]))
    return spans, seconds


def be_peer(source: str, model: str) -> None:
    """In the peer's environment: Presidio over texts from a file, or Faker's values."""
    if source == "faker":
        from faker import Faker

        random.seed(7)
        Faker.seed(7)
        rows = []
        for locale in LOCALES.split():
            fake = Faker(locale)
            for group, (kind, method, sentences) in SENTENCES.items():
                for _ in range(20):
                    try:
                        value = str(getattr(fake, method)())
                    except (AttributeError, TypeError):
                        continue
                    rows.append(
                        {"group": group, "kind": kind, "value": value, "text": random.choice(sentences).format(value)}
                    )
        print(json.dumps(rows))
        return
    import logging

    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    logging.disable(logging.CRITICAL)
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())  # it would fetch a list
    try:
        pipeline, name = spacy.load(model), model
    except OSError:
        pipeline, name = spacy.blank("en"), "a blank model"

    class Engine(SpacyNlpEngine):
        def __init__(self) -> None:
            super().__init__(models=[{"lang_code": "en", "model_name": name}])
            self.nlp = {"en": pipeline}

    engine = AnalyzerEngine(nlp_engine=Engine(), supported_languages=["en"])
    texts = json.loads(Path(source).read_text(encoding="utf-8"))
    engine.analyze(texts[0], language="en")
    begin = time.process_time()
    spans = [[(one.start, one.end, one.entity_type) for one in engine.analyze(text, language="en")] for text in texts]
    print(json.dumps({"seconds": time.process_time() - begin, "model": name, "spans": spans}))


def peer_python(given: str | None) -> str | None:
    """A Python with Presidio and Faker; None, with the reason on stderr, where it cannot be had."""
    if given:
        return given
    folder = HERE.parent / "build" / "privacy-peer"
    python = folder / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "-q", "presidio-analyzer", "faker"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"Presidio is left out: {error}", file=sys.stderr)
        return None
    return str(python)


def ask_peer(python: str, source: str, model: str) -> Any:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [python, __file__, "--as-peer", source, "--model", model],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    return json.loads(done.stdout.splitlines()[-1])


def overlapping(span: tuple[int, int, str], others: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    return [other for other in others if other[0] < span[1] and other[1] > span[0]]


def print_labelled(gold: Spans, found: dict[str, Spans]) -> None:
    """Recall (any find that overlaps) and precision (finds that overlap a label of their kind), per label."""
    print("| label | spans |" + "".join(f" {name}: found | {name}: right |" for name in found))
    print("|---|---:|" + "---|---|" * len(found))
    for label, kinds in LABELS.items():
        wanted = [(row, span) for row, spans in enumerate(gold) for span in spans if span[2] == label]
        line = f"| {label} | {len(wanted)} |"
        for mine in found.values():
            hits = sum(bool(overlapping(span, mine[row])) for row, span in wanted)
            told = [(row, span) for row, spans in enumerate(mine) for span in spans if span[2] in kinds]
            labels = {name for name, some in LABELS.items() if set(some) & set(kinds)}
            right = sum(any(o[2] in labels for o in overlapping(span, gold[row])) for row, span in told)
            line += f" {interval(hits, len(wanted))} | {interval(right, len(told))} |"
        print(line)


def print_made(rows: list[dict[str, str]]) -> None:
    """Values of Faker: found with the kind they have, and found to the letter."""
    spans, _ = ours([row["text"] for row in rows])
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row, mine in zip(rows, spans, strict=True):
        start = row["text"].index(row["value"])
        span = (start, start + len(row["value"]), "")
        hits = [one for one in overlapping(span, mine) if one[2] == row["kind"]]
        counts[row["group"]].update(n=1, found=bool(hits), exact=any(one[:2] == span[:2] for one in hits))
    print("| values | n | found as what they are | to the letter |\n|---|---:|---|---|")
    for group, count in counts.items():
        print(
            f"| {group} | {count['n']} | {interval(count['found'], count['n'])} | {interval(count['exact'], count['n'])} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="a Python that has presidio-analyzer and faker")
    parser.add_argument("--model", default="en_core_web_sm", help="spaCy model of the peer; a blank one if it has none")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the speed measurement")
    parser.add_argument("--as-peer", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_peer:
        be_peer(options.as_peer, options.model)
        return
    data = Path(os.environ.get("TAMIS_DATA", HERE.parent.parent / "shared" / "data"))
    with gzip.open(data / "pii-presidio-synth" / "synth_dataset_v2.json.gz", "rt", encoding="utf-8") as file:
        labelled = json.load(file)
    texts = [row["full_text"] for row in labelled]
    gold = [[(s["start_position"], s["end_position"], s["entity_type"]) for s in row["spans"]] for row in labelled]
    mine, seconds = ours(texts)
    found = {"Tamis": mine}
    speeds = [("Tamis", "the 1,500 labelled texts", len(texts) / seconds)]
    python = peer_python(options.peer)
    if python:
        source = HERE.parent / "build"
        source.mkdir(exist_ok=True)
        (source / "privacy-texts.json").write_text(json.dumps(texts), encoding="utf-8")
        told = ask_peer(python, str(source / "privacy-texts.json"), options.model)
        found["Presidio"] = [[(s, e, PEER.get(label, label)) for s, e, label in spans] for spans in told["spans"]]
        speeds.append((f"Presidio, {told['model']}", "the 1,500 labelled texts", len(texts) / told["seconds"]))
    print_labelled(gold, found)
    if python:
        print()
        print_made(ask_peer(python, "faker", options.model))
    sys.path.insert(0, str(HERE))
    from rows import real_pairs

    pairs = [f"{prompt}\n{response}" for prompt, response in real_pairs()]
    many = [pairs[k % len(pairs)] for k in range(options.rows)]
    _, seconds = ours(many)
    speeds.append(
        (
            "Tamis",
            f"{len(many):,} chat rows, {sum(map(len, many)) / len(many):.0f} characters each",
            len(many) / seconds,
        )
    )
    print("\n| tool | texts | rows per CPU second |\n|---|---|---:|")
    for tool, what, speed in speeds:
        print(f"| {tool} | {what} | {speed:,.0f} |")
    print("\n| set | rows | finds by kind |\n|---|---:|---|")
    for name in CLEAN:
        clean = texts_of(data / name)
        spans, _ = ours(clean)
        kinds = Counter(kind for one in spans for _, _, kind in one)
        print(f"| {name} | {len(clean):,} | {', '.join(f'{k} {n}' for k, n in kinds.most_common()) or 'none'} |")


if __name__ == "__main__":
    main()
