"""What decisions on a row come to, for one reviewer and for several."""

from __future__ import annotations

from typing import Any

import pytest

from tamis.runs.decisions import Decision
from tamis.runs.settle import settle, stand


def said(*told: Any) -> list[Decision]:
    """`"ann accept"`, or ("ann rate", 4), or ("ann reject", None, "rude")."""
    made = []
    for number, one in enumerate(told):
        words, value, reason = (*one, None, None)[:3] if isinstance(one, tuple) else (one, None, None)
        who, kind = words.split()
        made.append(Decision(kind, "g", "r", who=who, value=value, reason=reason, at=f"t{number}", key=str(number)))
    return made


A = [{"role": "assistant", "content": "a"}]
B = [{"role": "assistant", "content": "b"}]


def test_one_reviewers_decisions_add_up() -> None:
    one = stand(said(("a edit", {"messages": A}), ("a rate", 4), ("a relabel", {"k": "x", "answers": {"q": "no"}})))
    assert one is not None
    assert (one.fate, one.content, one.rating, one.columns, one.answers) == (
        "keep",
        {"messages": A},
        4,
        {"k": "x"},
        {"q": "no"},
    )
    assert stand(said("a skip", "a flag", "a comment")) is None


@pytest.mark.parametrize(
    ("told", "fate"),
    [
        (["a accept", "a reject"], "drop"),
        (["a reject", "a accept"], "keep"),
        ([("a rate", 1)], "keep"),
        (["a reject", ("a rate", 1)], "drop"),  # points alone take nothing back
        (["a reject", ("a relabel", {"k": "x"})], "keep"),
        (["a reject", ("a prefer", "b")], "keep"),
        (["a accept", "a skip"], "keep"),
    ],
)
def test_the_last_word_of_one_reviewer_counts(told: list[Any], fate: str) -> None:
    one = stand(said(*told))
    assert one is not None
    assert one.fate == fate


def test_with_one_reviewer_wanted_the_last_who_decided_counts() -> None:
    settled = settle(said("a accept", ("b reject", None, "rude")))
    assert settled.said is not None
    assert (settled.status, settled.said.fate, settled.said.reason, settled.who) == ("decided", "drop", "rude", ("b",))
    assert settle(said("a skip", "a comment")).status == "open"


#: what is said, consensus → status, fate
OVERLAP: list[tuple[list[Any], str, str, str | None]] = [
    (["a accept", "b accept"], "majority", "open", None),
    (["a accept", "b accept", "c reject"], "majority", "decided", "keep"),
    (["a reject", "b accept", "c reject"], "majority", "decided", "drop"),
    (["a accept", "b accept", "c reject"], "all", "differ", None),
    (["a accept", "b accept", "c accept"], "all", "decided", "keep"),
    (["a accept", "b accept", "c accept"], "adjudicate", "differ", None),
    (["a accept", "a accept", "b accept"], "majority", "open", None),  # one person twice is one person
    (["a accept", "b accept", "c reject", "d reject"], "majority", "differ", None),
    (["a accept", "b accept", "c skip"], "majority", "open", None),
    (["a accept", "b reject", "c reject", "a reject"], "all", "decided", "drop"),
]


@pytest.mark.parametrize(("told", "consensus", "status", "fate"), OVERLAP)
def test_three_reviewers(told: list[Any], consensus: Any, status: str, fate: str | None) -> None:
    settled = settle(said(*told), 3, consensus)
    assert (settled.status, settled.said and settled.said.fate) == (status, fate)


def test_reviewers_agree_on_every_part_or_differ_on_it() -> None:
    three = said(("a edit", {"messages": A}), ("b edit", {"messages": B}), "c accept")
    assert settle(three, 3).differing == ("messages",)
    settled = settle([*three, *said(("d edit", {"messages": A}), ("e edit", {"messages": A}))], 3)
    assert settled.said is not None
    assert (settled.status, settled.said.content) == ("decided", {"messages": A})
    labels = said(("a relabel", {"k": "x"}), ("b relabel", {"k": "y"}), ("c relabel", {"k": "x", "m": "z"}))
    told = settle(labels, 3)
    assert told.said is not None
    assert told.said.columns == {"k": "x"}  # one of three set m
    assert settle(labels, 3, "all").differing == ("column:k", "column:m")


def test_ratings_meet_in_the_middle_and_others_must_be_the_same() -> None:
    three = said(("a rate", 1), ("b rate", 4), ("c rate", 5))
    told = settle(three, 3)
    assert told.said is not None
    assert told.said.rating == 4
    assert settle(three, 3, "all").differing == ("rating",)
    assert settle(said(("a prefer", "a"), ("b prefer", "b"), ("c prefer", "tie")), 3).differing == ("preferred",)


def test_the_reason_most_gave_is_told_and_answers_are_counted() -> None:
    told = settle(
        said(
            ("a reject", {"answers": {"q": "no"}}, "rude"),
            ("b reject", {"answers": {"q": "yes"}}, "invented"),
            ("c reject", {"answers": {"q": "no"}}, "invented"),
        ),
        3,
    )
    assert told.said is not None
    assert (told.said.reason, told.said.answers) == ("invented", {"q": "no 2, yes 1"})


def test_somebody_has_the_last_word() -> None:
    three = ["a accept", "b accept", "c reject"]
    word = ("lead adjudicate", {"kind": "relabel", "value": {"k": "x"}})
    told = settle(said(*three, word), 3, "all")
    assert told.said is not None
    assert (told.status, told.adjudicated, told.who) == ("decided", True, ("a", "b", "c", "lead"))
    assert (told.said.fate, told.said.columns) == ("keep", {"k": "x"})
    assert (
        settle(said(*three, word, "c reject"), 3, "all").status == "decided"
    )  # nobody overrules it by saying it again
    early = settle(said("a accept", ("lead adjudicate", {"kind": "reject"})), 3)
    assert early.said is not None
    assert early.said.fate == "drop"
