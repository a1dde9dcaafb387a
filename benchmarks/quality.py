"""The six quality steps on real data: what they drop of good rows, what they find of bad ones, what they cost.

    TAMIS_DATA=../shared/data python benchmarks/quality.py [good|speed|toxicity|grounding|spelling|all]

Prints the tables of docs/figures/quality.md and docs/figures/toxicity.md. Time is the process's CPU time, on one core.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import html
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from rows import data_folder

from tamis.core.step import RowStep
from tamis.engine.frame import Frame
from tamis.steps.filter.grounding import Grounding
from tamis.steps.filter.model_identity import ModelIdentity
from tamis.steps.filter.readability import Readability
from tamis.steps.filter.special_tokens import SpecialTokens
from tamis.steps.filter.toxicity import Toxicity
from tamis.steps.score.spelling import Spelling
from tamis.testing import rows_frame, run_step

DATA = data_folder()
STEPS: dict[str, RowStep] = {
    "special_tokens": SpecialTokens(),
    "model_identity": ModelIdentity(),
    "toxicity": Toxicity(),
    "readability": Readability(),
    "spelling": Spelling(),
}
ALL_KINDS = ("numbers", "dates", "names", "links", "emails")
Pair = tuple[str, str]


def read(name: str) -> Any:
    """A JSON or JSON Lines file of the data folder, gzipped or not."""
    path = DATA / name
    raw = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    text = raw.decode()
    return [json.loads(line) for line in text.split("\n") if line.strip()] if ".jsonl" in name else json.loads(text)


def alpaca(name: str) -> list[Pair]:
    return [
        (f"{r['instruction']}\n{r.get('input') or ''}", r.get("response") or r.get("output") or "") for r in read(name)
    ]


def instances(name: str) -> list[Pair]:
    return [(f"{r['instruction']}\n{i['input']}", i["output"]) for r in read(name) for i in r["instances"]]


def good_sets() -> Iterator[tuple[str, list[Pair]]]:
    """Instruction data that should stay."""
    yield "GPTeacher code", alpaca("gpteacher/codegen-instruct.json.gz")
    yield "GPTeacher role play", alpaca("gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz")
    yield "GPTeacher tools", alpaca("gpteacher/toolformer-dedupe-only-dataset.json.gz")
    yield "Alpaca, English", alpaca("llama-factory-demo/alpaca_en_demo.json.gz")
    yield "Alpaca, Chinese", alpaca("llama-factory-demo/alpaca_zh_demo.json.gz")
    yield "self-instruct, user-oriented", instances("self-instruct/user_oriented_instructions.jsonl")
    yield "self-instruct, seeds", instances("self-instruct/seed_tasks.jsonl")
    glaive = read("llama-factory-demo/glaive_toolcall_en_demo.json.gz")
    yield "Glaive tool calls", [("", r["conversations"][-1]["value"]) for r in glaive]
    for model in ("gpt-4-0314", "gpt-3.5-turbo-0125"):
        answers = [r["messages"][-1]["content"] for r in read(f"arena-answers/{model}.jsonl.gz")]
        yield f"Arena answers, {model}", [("", a if isinstance(a, str) else a["answer"]) for a in answers]


def rows_of(pairs: list[Pair]) -> list[dict[str, str]]:
    return [{"prompt": prompt, "response": answer} for prompt, answer in pairs]


def print_good() -> None:
    """Rows dropped of each good set."""
    droppers = {name: step for name, step in STEPS.items() if name not in ("readability", "spelling")}
    print(f"| set | rows | {' | '.join(droppers)} | grade: median, 99th | typos per 10,000 words |")
    print("|---|---|" + "---|" * (len(droppers) + 2))
    for name, pairs in good_sets():
        rows = rows_of(pairs)
        dropped = [len(rows) - run_step(step, rows).kinds.count("kept") for step in droppers.values()]
        grades = [e["figure"] for e in run_step(STEPS["readability"], rows).evidence if e["figure"] is not None]
        typed = run_step(STEPS["spelling"], rows).evidence
        words = sum(e["words"] for e in typed)
        grade = "{:.1f}, {:.1f}".format(*np.percentile(grades, [50, 99])) if grades else "–"
        typos = f"{1e4 * sum(e['typos'] for e in typed) / words:.1f}" if words else "–"
        print(f"| {name} | {len(rows):,} | {' | '.join(map(str, dropped))} | {grade} | {typos} |")


def print_speed() -> None:
    """Microseconds of CPU a row of about 650 bytes, over good rows, and of copying the texts out (the floor)."""
    answers = [a for _, pairs in good_sets() for _, a in pairs if len(a) > 40 and a.isascii()]
    rng = random.Random(1)
    texts = []
    for _ in range(20_000):
        text = rng.choice(answers)
        while len(text) < 600:
            text += "\n\n" + rng.choice(answers)
        texts.append(text[:650])
    table = rows_frame([{"prompt": "Go on.", "response": text} for text in texts])
    print("| step | µs a row |")
    print("|---|---|")
    for name, step in STEPS.items():
        best = float("inf")
        for _ in range(4):
            frame = Frame.of(table)
            for view in step.views():
                frame.buffers(view)
            start = time.process_time()
            step.judge(frame)
            best = min(best, time.process_time() - start)
        print(f"| {name} | {best / len(texts) * 1e6:.2f} |")


def print_toxicity() -> None:
    """Against 24,783 tweets labelled by people; a third was not looked at when the terms were chosen."""
    path = DATA / "toxicity-davidson/labeled_data.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        tweets = list(csv.DictReader(file))
    held = [int(hashlib.md5(r["tweet"].encode()).digest()[0] % 3 == 0) for r in tweets]
    scores = [
        e["score"] for e in run_step(Toxicity(), rows_of([("", html.unescape(r["tweet"])) for r in tweets])).evidence
    ]
    print("| part | min_score | precision | recall | hate found | offensive found | neither dropped |")
    print("|---|---|---|---|---|---|---|")
    for part, name in ((1, "held out"), (0, "looked at")):
        for least in (0.3, 0.5, 0.7, 1.0):
            found = {c: [s >= np.float32(least) for r, s, h in zip(tweets, scores, held, strict=True) if h == part and r["class"] == c] for c in "012"}  # fmt: skip
            hits, bad = sum(found["0"]) + sum(found["1"]), len(found["0"]) + len(found["1"])
            shares = " | ".join(f"{sum(found[c]) / len(found[c]):.3f}" for c in "012")
            print(f"| {name} | {least} | {hits / (hits + sum(found['2'])):.3f} | {hits / bad:.3f} | {shares} |")
    with open(DATA / "banking77/test.csv", encoding="utf-8", newline="") as file:
        others = {"banking77, test": [r["text"] for r in csv.DictReader(file)]}
    others["DialogSum, dialogues"] = [r["dialogue"] for r in read("dialogsum/dialogsum.dev.jsonl.gz")]
    others["Arena prompts"] = [q["prompt"] for q in read("benchmarks/arena_hard_v0.1_question.jsonl.gz")]
    harmless = read("hh-rlhf-harmless-test/harmless-base_test.jsonl.gz")
    others["HH harmless, chosen answers"] = [r["chosen"].split("\n\nAssistant:")[-1] for r in harmless]
    others["HH harmless, rejected answers"] = [r["rejected"].split("\n\nAssistant:")[-1] for r in harmless]
    for name, texts in others.items():
        kinds = run_step(Toxicity(), rows_of([("", text) for text in texts])).kinds
        print(f"{name}: {kinds.count('dropped')} of {len(kinds):,}")


def print_grounding() -> None:
    """Summaries by people against their own dialogue and a stranger's; subjects; rated summaries of models."""

    def missing(pairs: list[Pair], kinds: tuple[Any, ...] = ALL_KINDS) -> list[int]:
        return [e["ungrounded"] for e in run_step(Grounding(kinds=kinds), rows_of(pairs)).evidence]

    dialogues = read("dialogsum/dialogsum.dev.jsonl.gz")
    own = missing([(r["dialogue"], r["summary"]) for r in dialogues])
    n = len(dialogues)
    swapped = missing([(dialogues[(k * 7 + 13) % n]["dialogue"], r["summary"]) for k, r in enumerate(dialogues)])
    nothing = missing([("", r["summary"]) for r in dialogues])
    print(
        f"DialogSum: own {np.count_nonzero(own)}, a stranger's {np.count_nonzero(swapped)} of {np.count_nonzero(nothing)} with any item; {n} rows"
    )
    mails = read("aeslc-email/aeslc_dev.jsonl.gz")
    pairs = [(r["body"], r["subject"]) for r in mails]
    by_kind = {kind: np.count_nonzero(missing(pairs, (kind,))) for kind in ALL_KINDS}
    print(f"AESLC subjects against bodies, {len(mails)} rows: {by_kind}")
    rated = read("ratings-unieval/qags_cnndm.json.gz")
    found = np.array(missing([(r["source"], r["system_output"]) for r in rated]))
    scores = np.array([r["scores"]["consistency"] for r in rated])

    def ranks(values: np.ndarray) -> np.ndarray:
        return np.array([np.flatnonzero(np.sort(values) == value).mean() for value in values])

    rho = np.corrcoef(ranks(-found), ranks(scores))[0, 1]
    print(
        f"QAGS: {np.count_nonzero(found)} of {len(rated)} flagged, consistency {scores[found > 0].mean():.2f} against {scores[found == 0].mean():.2f}, Spearman {rho:.2f}"
    )


def planted(text: str, rng: random.Random) -> tuple[str, int]:
    """The text with one slip in each tenth word of 5 to 12 small letters, and how many."""
    count = 0

    def slip(match: re.Match[str]) -> str:
        nonlocal count
        word = match[0]
        if rng.random() > 0.1:
            return word
        k, way = rng.randrange(1, len(word) - 1), rng.randrange(4)
        count += 1
        if way == 0 and word[k] != word[k + 1]:
            return word[:k] + word[k + 1] + word[k] + word[k + 2 :]
        other = rng.choice("abcdefghijklmnopqrstuvwxyz".replace(word[k], ""))
        return word[:k] + ("" if way == 1 else word[k] * 2 if way == 2 else other) + word[k + 1 :]

    return re.sub(r"(?<![\w'’-])[a-z]{5,12}(?![\w'’-])", slip, text), count


def print_spelling() -> None:
    """Typos planted and found; typos in sets that people typed."""
    for name, pairs in good_sets():
        if name not in ("GPTeacher role play", "Alpaca, English"):
            continue
        rng = random.Random(7)
        made = [planted(answer, rng) for _, answer in pairs]
        before = run_step(Spelling(), rows_of(pairs)).evidence
        after = run_step(Spelling(), rows_of([("", text) for text, _ in made])).evidence
        found, total = sum(b["typos"] - a["typos"] for a, b in zip(before, after, strict=True)), sum(n for _, n in made)
        print(f"{name}: {found:,} of {total:,} planted typos found ({found / total:.3f})")


PARTS: dict[str, Callable[[], None]] = {
    "good": print_good,
    "speed": print_speed,
    "toxicity": print_toxicity,
    "grounding": print_grounding,
    "spelling": print_spelling,
}

if __name__ == "__main__":
    for part in PARTS if sys.argv[1:] in ([], ["all"]) else sys.argv[1:]:
        print(f"\n## {part}\n")
        PARTS[part]()
