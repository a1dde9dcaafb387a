"""kernels.pii_worth: what is left out, and that nothing is found where it leaves something out."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.engine.kernels import pii_worth
from tamis.engine.pii import KINDS, find, places
from tamis.engine.text import to_text

PIECES = (
    *("12", "345", "6789012", "12345678", "0171", "00", "41", "4", "2021", "10", "04", "1234567890", "078-05-1120", "3.14159265"),
    *(" ", " ", "-", ".", "/", "(", ")", ": ", ", ", "\n", "\t", "\\n", '"', "_", "+", "=", "\u00a0", "４１", "٣٤", "－"),
    *("phone", "tel", "Tél ", "call me at ", "ph", "fax", "text", "numéro", "is my", "office", "(m)", "x12", "ext 4", "mobile"),
    *("Z", "X-", "X", "AB", "C", "row", "bsn ", "SSN ", "dni ", "NI ", "IBAN ", "card ", "pesel ", "from ", ":AA" + "a1B2" * 9),
    *("std::cout", "fe80", "::", ":1", "1::2", "de:ad:be:ef:00:01", "::ffff:1.2.3.4", "a::b"),
    *("Dear ", "dear ", "Hello ", "Mr. ", "mr. ", "Name: ", "first_name=", "my name is ", "This is ", "Regards,\n", "From: ", "To: "),
    *("Ada", "Ada Byron", "Émile", "ada", "you,", ", calling", "<", "\n\nSubject: x", "Mrs ", "and more words than that "),
)  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=2)), max_size=12).map("".join)


def found(strings: list[str], region: str | None) -> list[list[int]]:
    spans = find(to_text(pl.Series(strings, dtype=pl.String)), KINDS, region=region, least=0)
    return [column.tolist() for column in spans]


@settings(max_examples=600, deadline=None)
@given(st.lists(texts, min_size=1, max_size=3), st.sampled_from([None, None, None, "DE"]))
def test_the_finds_are_those_of_looking_at_every_mark(strings: list[str], region: str | None) -> None:
    if region is not None:
        pytest.importorskip("phonenumbers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pii_worth, "worth", lambda data, offsets, marks, *_, **__: np.ones(len(marks[0]), np.bool_))
        every = found(strings, region)
    assert found(strings, region) == every


def looked_at(string: str, **settings: Any) -> int:
    text = to_text(pl.Series([string]))
    return len(places(text.data, text.offsets, settings.get("kinds", KINDS), settings.get("region")).row)


@pytest.mark.parametrize(
    "text",
    [
        "std::cout << std::endl;", "a::b", "row-00000001", "on 2021-04-10 and 10/04/2021.", "it took 1234567 steps", "pi is 3.1415927",
        "hello world", "dear reader", 'if name: "x"', "the first_name = input()", "this is a test", "sincerely yours, mr. nobody",
        "sent at 1700000000.", "from: here to: there",
    ],
)  # fmt: skip
def test_nothing_is_looked_at(text: str) -> None:
    assert looked_at(text) == 0


@pytest.mark.parametrize(
    "text",
    [
        "call 12345678.", "12345678 is my number", "12345678Z", "+12345678", "fe80::1", "Dear Ada,", "Mr. Byron", "Name: Ada Byron",
        "my name is Ada", "Regards,\n\n  Ada", "numéro 12345678.", "123456789", "4111111111111111", "0171123456", "2021-04-10-11",
        "From:\\nAda <a", "call\\nme:\\n12345678.", "12345678\\n\\n\\noffice",
    ],
)  # fmt: skip
def test_what_may_be_something_is_looked_at(text: str) -> None:
    assert looked_at(text) == 1


def test_with_a_region_every_number_is_looked_at() -> None:
    assert (looked_at("it took 1234567 steps"), looked_at("it took 1234567 steps", region="DE")) == (0, 1)


def test_only_places_of_the_kinds_wanted() -> None:
    assert (looked_at("Dear Ada, call 12345678.", kinds=("phone",)), looked_at("Dear Ada,", kinds=("phone",))) == (1, 0)
