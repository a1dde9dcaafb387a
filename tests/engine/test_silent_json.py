"""JSON that holds no place to look at is not decoded, and nothing is missed by that."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.engine.all_strings import Wanted, silent
from tamis.engine.anonymize import Replacer, Rules
from tamis.engine.frame import Frame
from tamis.engine.json_strings import parse_json
from tamis.engine.pii import KINDS, find
from tamis.engine.text import to_text

WANTED = Wanted(KINDS, None)
PLANTS = [
    "bob.smith@post.org", "+49 30 901820", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "203.0.113.77",
    "https://a:b@host.org/x", "call 555-0178", "call me:\n555-0178", "AKIAIOSFODNN7EXAMPLE", "born 3 March 1980", "078-05-1120",
    "call me:\n\n\n5550178.", "5550178\n\n(office", "00:1a:2b:3c:4d:5e", "Dear Mr. Okafor,\nthank you", "my name is Ada Byron",
]  # fmt: skip
words = st.sampled_from(["", "a", "see\n", "tab\t", 'he said "', "C:\\", "x/y", "1234", "€ ", "\u0007", "order "])
texts = st.builds(lambda a, b, c: a + b + c, words, st.sampled_from([*PLANTS, "nothing", "12 34"]), words)
values = st.recursive(
    texts | st.integers(0, 10**12) | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(words, inner, max_size=3)
        | inner.map(lambda value: json.dumps({"inner": value}))
    ),
    max_leaves=5,
)


@settings(max_examples=300, derandomize=True)
@given(st.lists(values.map(lambda value: [value]), min_size=1, max_size=4), st.booleans())
def test_what_is_left_undecoded_holds_nothing(records: list[Any], ascii: bool) -> None:
    rows = [json.dumps(record, ensure_ascii=ascii) for record in records]
    for row, left in zip(rows, silent(pl.Series(rows, dtype=pl.String), WANTED), strict=True):
        if left:
            tree = parse_json(row)
            assert tree is not None
            inside = list(tree.strings())
            assert len(find(to_text(pl.Series(inside, dtype=pl.String)), KINDS).row) == 0, inside


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("before", ["", "x\n", '"', "\\", "\u0007"])
def test_plants_are_replaced_in_json_however_they_are_escaped(plant: str, before: str) -> None:
    row = json.dumps({"a": [before + plant, "plain"]})
    if not len(find(to_text(pl.Series([before + plant])), KINDS).row):
        pytest.skip("the finder does not find it by itself")
    replaced = Replacer(Rules(KINDS, "tag"), None).rows(Frame.of(pl.DataFrame({"source.data": [row]})))
    told = replaced.columns["source.data"][0]
    assert told != row
    assert json.loads(told)["a"][1] == "plain"


def test_most_rows_are_left_alone() -> None:
    rows = [json.dumps({"text": f'The cat sat on the mat, twice.\nIt said: "{word}".'}) for word in ("so", "no", "yes")]
    others = ['{"to": "a@b.org"}', '{"to": "a\\u0040b.org"}', '{"said": "hello, std::endl 1234567"}']
    assert silent(pl.Series([*rows, *others]), WANTED).tolist() == [True] * 3 + [False] * 2 + [True]
