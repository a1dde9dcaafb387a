"""clean.whitespace"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.steps.clean.whitespace import Whitespace
from tamis.testing import run_step

CASES = [
    ({}, [{"response": "a  b "}, {"response": "a b"}, {"prompt": None, "response": None}], ["kept", "kept", "kept"]),
    ({"in": "response", "blank_lines": 0, "collapse": False}, {"response": "a\n\nb"}, None),
    ({"in": ["prompt", "column:note"]}, {"prompt": "a  b", "note": " x "}, None),
]


def cleaned(text: str, **settings: Any) -> str:
    result = run_step(Whitespace(**settings), [{"response": text}])
    content: str = result.column("messages")[0][0]["content"]
    assert result.changed == [content != text]
    assert result.evidence == [{"removed": len(text) - len(content)}]
    return content


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tidy text", "tidy text"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("one\u2028two\x0cthree", "one\ntwo\nthree"),
        ("end  \nof\t\nlines \u00a0\n", "end\nof\nlines"),
        ("\n\n \n a\n\n\n\nb\n \n", "a\n\nb"),
        ("many   inner \t spaces", "many inner spaces"),
        ("columns\t\tby\ttabs", "columns\t\tby\ttabs"),
        ("no\u00a0break,\u2009thin,\u3000wide", "no break, thin, wide"),
        ("zero\u200bwidth", "zerowidth"),
        ("ภาษา\u200bไทย", "ภาษา\u200bไทย"),
        ("def f():\n    x  =  1\n\treturn", "def f():\n    x = 1\n\treturn"),
        ("    def f():\n        return", "    def f():\n        return"),
        ("   alone\nnext", "alone\nnext"),
        ("a\n```py\nx  =  1 \u00a0\n\n\n\n\ty\r\n```  \nb  b", "a\n```py\nx  =  1 \u00a0\n\n\n\n\ty\n```\nb b"),
        ("~~~\na  b\n```\nc  d\n~~~~\ne  f", "~~~\na  b\n```\nc  d\n~~~~\ne f"),
        ("```\nnever  closed  \n\n", "```\nnever  closed  \n\n"),
        ("| a   | b |\n|  c  | d | ", "| a   | b |\n|  c  | d |"),
        ("run `git   log`  and ``a `  b``  now", "run `git   log` and ``a `  b`` now"),
        ("an open ` tick  here", "an open ` tick here"),
        (" \n\u00a0\t\u200b\n", ""),
        ("", ""),
        ("🙂  🙂", "🙂 🙂"),
    ],
)
def test_white_space_in_order(text: str, expected: str) -> None:
    assert cleaned(text) == expected


def test_blank_lines_and_collapse_are_chosen() -> None:
    assert cleaned("a\n\n\n\nb", blank_lines=2) == "a\n\n\nb"
    assert cleaned("a\n\nb", blank_lines=0) == "a\nb"
    assert cleaned("a  \u00a0 b ", collapse=False) == "a    b"


def test_long_rows() -> None:
    assert cleaned("word  " * 20_000) == ("word " * 20_000).strip()
    assert cleaned("\n" * 100_000 + "x" * 100_000) == "x" * 100_000


@given(st.text(st.sampled_from("ab`~|\n\n\r\t  \u00a0\u200b\u2028🙂")))
def test_clean_text_stays(text: str) -> None:
    once = run_step(Whitespace(), [{"response": text}]).column("messages")
    again = run_step(Whitespace(), [{"messages": once[0]}])
    assert again.column("messages") == once
    assert again.changed == [False]


def test_columns_of_the_source_keep_their_name() -> None:
    result = run_step(Whitespace(texts="column:note"), [{"response": "a  b", "note": "c  d"}, {"note": None}])
    assert result.column("source.note") == ["c d", None]
    assert result.column("messages")[0][0]["content"] == "a  b"
    assert result.not_applicable == [False, True]


def test_nothing_to_clean_is_refused() -> None:
    with pytest.raises(ValidationError, match="nothing would be cleaned"):
        Whitespace.model_validate({"in": []})
    with pytest.raises(ValidationError, match="unknown view 'answer'"):
        Whitespace.model_validate({"in": ["answer"]})


def test_one_view_may_stand_without_a_list() -> None:
    assert Whitespace.model_validate({"in": "prompt"}).views() == ("prompt",)
    assert Whitespace().views() == ("all", "rejected", "text")
    assert Whitespace().reads() == ("messages", "rejected", "text")
