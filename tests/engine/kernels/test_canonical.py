"""Row ids against their definition, written with `json` and `hashlib`."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.engine.row_ids import row_ids

TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "text": TEXTS,
            'b"\n': TEXTS,
            "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
            "number": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "flag": st.none() | st.booleans(),
        }
    ),
    max_size=5,
)
TYPES = {"text": pl.String, 'b"\n': pl.String, "whole": pl.Int64, "number": pl.Float64, "flag": pl.Boolean}


def canonical(value: Any) -> Any:
    if isinstance(value, float) and value == int(value) and abs(value) < 2**63:
        return int(value)
    return value


def defined(label: str, row: dict[str, Any]) -> str:
    pairs = [[name, canonical(row[name])] for name in sorted(row) if row[name] is not None]
    text = json.dumps([label, pairs], ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def ids(label: str, frame: pl.DataFrame) -> list[str]:
    high, low = row_ids(label, frame.get_columns(), frame.height)
    return [f"{h:016x}{w:016x}" for h, w in zip(high.tolist(), low.tolist(), strict=True)]


@settings(deadline=None, max_examples=60)
@given(rows=ROWS, label=st.text(st.characters(exclude_categories=["Cs"]), max_size=10))
@example(rows=[{"text": '\x00\x1f"\\\x7f' * 9000, 'b"\n': "", "whole": -1, "number": -0.0, "flag": True}], label='a"b')
@example(rows=[{"text": "a", 'b"\n': None, "whole": None, "number": 1e22, "flag": None}], label="files")
def test_ids_are_what_they_are_defined_to_be(rows: list[dict[str, Any]], label: str) -> None:
    frame = pl.DataFrame(rows, schema=TYPES)
    assert ids(label, frame) == [defined(label, row) for row in rows]


def test_columns_order_null_columns_and_widened_numbers_change_no_id() -> None:
    before = ids("s", pl.DataFrame({"a": [1, 2], "b": ["x", None]}))
    after = ids(
        "s", pl.DataFrame({"new": [None, None], "b": ["x", None], "a": [1.0, 2.0]}, schema_overrides={"new": pl.String})
    )
    assert before == after
    assert before != ids("t", pl.DataFrame({"a": [1, 2], "b": ["x", None]})), "the source's name is in it"


def test_a_number_and_its_text_are_different_rows() -> None:
    assert ids("s", pl.DataFrame({"a": [1]})) != ids("s", pl.DataFrame({"a": ["1"]}))
