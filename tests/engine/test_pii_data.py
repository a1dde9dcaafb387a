"""engine.pii on real data: what the figures page promises (docs/figures/privacy.md)."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tamis.engine.pii import KINDS, find
from tamis.engine.pii_rows import code_points
from tamis.engine.text import to_text

#: label of the set → our kinds, least share found, least share of our finds that are labelled so
STRUCTURED = {
    "EMAIL_ADDRESS": (("email",), 0.98, 0.95),
    "PHONE_NUMBER": (("phone",), 0.98, 0.95),
    "CREDIT_CARD": (("card",), 0.98, 0.95),
    "IBAN_CODE": (("iban",), 0.98, 0.95),
    "US_SSN": (("us_ssn",), 0.98, 0.95),
    "IP_ADDRESS": (("ipv4", "ipv6"), 0.98, 0.95),
    "STREET_ADDRESS": (("address",), 0.5, 0.95),
    "PERSON": (("person",), 0.1, 0.95),
}


def records(path: Path) -> Any:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        raw = file.read()
    return json.loads(raw) if ".jsonl" not in path.name else [json.loads(line) for line in raw.split("\n") if line]


def spans(texts: list[str]) -> list[list[tuple[int, int, str]]]:
    text = to_text(pl.Series(texts))
    found = find(text)
    start, end = code_points(text, found)
    out: list[list[tuple[int, int, str]]] = [[] for _ in texts]
    for row, s, e, kind in zip(found.row.tolist(), start.tolist(), end.tolist(), found.kind.tolist(), strict=True):
        out[row].append((s, e, KINDS[kind]))
    return out


@pytest.fixture(scope="module")
def labelled(data: Path) -> tuple[list[list[tuple[int, int, str]]], list[list[tuple[int, int, str]]]]:
    """(labels, finds) of the 1,500 texts."""
    rows = records(data / "pii-presidio-synth" / "synth_dataset_v2.json.gz")
    gold = [[(s["start_position"], s["end_position"], s["entity_type"]) for s in row["spans"]] for row in rows]
    return gold, spans([row["full_text"] for row in rows])


@pytest.mark.parametrize("label", STRUCTURED)
def test_labelled_texts(labelled: Any, label: str) -> None:
    gold, mine = labelled
    kinds, least_found, least_right = STRUCTURED[label]
    hits: Counter[str] = Counter()
    for labels, finds in zip(gold, mine, strict=True):
        for start, end, name in labels:
            if name == label:
                hits["labels"] += 1
                hits["found"] += any(s < end and e > start for s, e, _ in finds)
        for start, end, kind in finds:
            if kind in kinds:
                hits["finds"] += 1
                hits["right"] += any(
                    s < end and e > start and (name == label or (name == "ZIP_CODE" and kind == "address"))
                    for s, e, name in labels
                )
    assert hits["labels"] > 10
    assert hits["found"] >= least_found * hits["labels"], hits
    assert hits["right"] >= least_right * hits["finds"], hits


def test_numbers_of_school_problems_are_nobodys(data: Path) -> None:
    texts = [f"{row['question']}\n{row['answer']}" for row in records(data / "benchmarks" / "gsm8k_test.jsonl.gz")]
    kinds = Counter(kind for one in spans(texts) for _, _, kind in one)
    assert set(kinds) <= {"person", "address"}
    assert kinds["address"] <= 2


def test_code_gives_no_false_numbers(data: Path) -> None:
    rows = records(data / "gpteacher" / "codegen-instruct.json.gz")
    found = spans([f"{row['instruction']}\n{row.get('input', '')}\n{row['response']}" for row in rows])
    kinds = Counter(kind for one in found for _, _, kind in one)
    assert not {"phone", "card", "iban", "us_ssn", "national_id", "ipv6", "mac", "crypto_address"} & set(kinds)


def test_personal_data_in_results_of_tools(data: Path) -> None:
    found: dict[str, list[bool]] = defaultdict(list)
    for path in sorted((data / "dialog-taubench-fewshot").glob("*.json*")):
        packed = path.read_bytes()
        raw = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode()
        text = raw.replace("\\\\", "\\").replace('\\"', '"')
        (mine,) = spans([text])
        for match in re.finditer(r'"(email|dob|zip|address1)": "([^"]{3,60})"', text):
            found[match[1]].append(any(s < match.end(2) and e > match.start(2) for s, e, _ in mine))
    assert sum(map(len, found.values())) > 50
    assert all(all(one) for one in found.values())
