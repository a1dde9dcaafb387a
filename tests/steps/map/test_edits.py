"""map.edits; its kernel against the textbook's table."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.engine.edits import changed_share
from tamis.steps.map.edits import Edits
from tamis.testing import run_step

SENT = {"draft": "column:draft", "sent": "sent"}


def row(draft: str | None, sent: str | None, **more: Any) -> dict[str, Any]:
    return {"prompt": "Can we meet?", "draft": draft, "sent": sent, **more}


CASES: list[Any] = [
    (SENT, row("Yes, on Tuesday.", "Yes, on Monday."), "kept"),
    (SENT, row("Yes.", None), "not_sent"),
    (SENT, row("Yes.", "  "), "not_sent"),
    (SENT, row(None, "Yes."), "not_sent"),
    (SENT, row("Yes, on Tuesday.", "No thanks 12345"), "rewritten"),
    (SENT, row("Yes.", "Yes."), "kept"),
    ({**SENT, "unchanged": "drop"}, row("Yes.", "Yes."), "unchanged"),
    ({"sent": "sent"}, {"prompt": "q", "response": "Yes, on Tuesday.", "sent": "Yes, on Monday."}, "kept"),
]


def levenshtein(a: str, b: str) -> int:
    """The table of Wagner and Fischer, 1974."""
    above = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        here = [i]
        for j, y in enumerate(b, 1):
            here.append(min(above[j] + 1, here[j - 1] + 1, above[j - 1] + (x != y)))
        above = here
    return above[-1]


ALPHABET = st.text("ab ü🎈", max_size=150)


@given(st.lists(st.tuples(ALPHABET, ALPHABET), min_size=1, max_size=4))
def test_the_share_is_the_distance_over_the_longer_text(pairs: list[tuple[str, str]]) -> None:
    found = changed_share(pl.Series([a for a, _ in pairs]), pl.Series([b for _, b in pairs])).to_list()
    assert found == pytest.approx([levenshtein(a, b) / max(len(a), len(b), 1) for a, b in pairs])


def test_across_blocks_of_64_characters() -> None:
    for size in (63, 64, 65, 127, 128, 129, 300):
        a, b = "ab" * size, "ba" * size + "x"
        assert changed_share(pl.Series([a]), pl.Series([b]))[0] == levenshtein(a, b) / (2 * size + 1)


def test_the_draft_is_replaced_and_becomes_the_rejected_answer() -> None:
    rows = [{"system": "Be kind.", "prompt": "q", "response": "Yes, on Tuesday.", "sent": "Yes, on Monday."}]
    result = run_step(Edits(sent="sent", id="edits"), rows)
    assert [(m["role"], m["content"]) for m in result.rows[0]["messages"]] == [
        ("system", "Be kind."),
        ("user", "q"),
        ("assistant", "Yes, on Monday."),
    ]
    assert [(m["role"], m["content"]) for m in result.rows[0]["rejected"]] == [("assistant", "Yes, on Tuesday.")]
    assert result.rows[0]["edits.change"] == pytest.approx(levenshtein("Yes, on Tuesday.", "Yes, on Monday.") / 16)


def test_what_was_sent_as_it_was_has_no_pair() -> None:
    result = run_step(Edits(**SENT), [row("Yes.", "Yes."), row("Yes. " * 20, "Yes. " * 20 + "!")])
    assert [r["rejected"] for r in result.rows] == [None, None]
    assert run_step(Edits(**SENT, min_change=0), [row("Yes.", "Yes.")]).rows[0]["rejected"] is not None
    assert "rejected" not in run_step(Edits(**SENT, pairs=False), [row("Yes.", "Yess.")]).rows[0]
