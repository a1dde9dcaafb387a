"""annotate.clusters"""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from tamis.core.calls import Ask, CallFailed
from tamis.steps.annotate._naming import clashes, words
from tamis.steps.annotate.clusters import Clusters
from tamis.testing import rows_frame, run_step

TOPICS = ("card", "refund", "password")


def rows(many: int = 8, topics: tuple[str, ...] = TOPICS) -> list[dict[str, Any]]:
    return [
        {"prompt": f"{topic} text {n}", "topics.cluster": c, "topics.name": topic, "topics.distance": 0.01 * n}
        for c, topic in enumerate(topics)
        for n in range(many)
    ]


def asked(ask: Ask) -> list[int]:
    """The clusters a request is about; none where it checks."""
    return [int(c) for c in re.findall(r"^## Cluster (\d+)", ask.messages[1]["content"], re.M)]


class Model:
    """Names clusters as told, and sorts texts by their first word under the names `right` says."""

    def __init__(self, *names: dict[int, str], wrong: tuple[str, ...] = ()) -> None:
        self.names, self.wrong, self.asks = list(names), wrong, list[Ask]()

    def __call__(self, role: str, ask: Ask) -> Any:
        self.asks.append(ask)
        some = asked(ask)
        if some:
            names = self.names.pop(0) if len(self.names) > 1 else self.names[0]
            return {
                "clusters": [{"cluster": c, "name": names[c], "description": f"about {c}"} for c in some if c in names]
            }
        content = ask.messages[1]["content"]
        options = re.findall(r"^\d+\. (.*?): about (\d+)$", content, re.M)
        texts = re.findall(r"^<data [0-9a-f]+>\n(\w+)", content, re.M)
        answers = []
        for number, topic in enumerate(texts, 1):
            k = 1 + [int(c) for _, c in options].index(TOPICS.index(topic))
            answers.append({"text": number, "name": 0 if topic in self.wrong else k})
        return {"answers": answers}


NAMES = {0: "Cards on their way", 1: "Money back", 2: "Lost passwords"}
CASES: list[tuple[Any, ...]] = [
    ({"clusters": "topics"}, rows(), ["kept"] * 24, Model(NAMES)),
    ({"clusters": "topics", "check": 0, "together": 2}, rows(3), ["kept"] * 9, Model(NAMES)),
]


def result(model: Any, given: Any = None, **fields: Any) -> Any:
    return run_step(Clusters(clusters="topics", **fields), rows() if given is None else given, replies=model)


def column(told: Any, name: str, each: int = 8) -> list[Any]:
    return told.column(f"annotate.clusters.{name}")[::each]


def test_names_descriptions_and_how_many_of_the_texts_held_back_fit() -> None:
    told = result(Model(NAMES, wrong=("refund",)))
    assert column(told, "name") == list(NAMES.values())
    assert column(told, "description") == ["about 0", "about 1", "about 2"]
    assert column(told, "accuracy") == [1.0, 0.0, 1.0]


def test_neighbours_stand_in_one_prompt_and_texts_between_fences() -> None:
    model = Model(NAMES)
    result(model)
    first = model.asks[0]
    assert asked(first) == [0, 1, 2]
    content = first.messages[1]["content"]
    outside = re.sub(r"<data ([0-9a-f]+)>\n.*?\n</data \1>", "", content, flags=re.S)
    assert "text 0" in content
    assert "text" not in re.sub(r"Phrases:.*|\(\d+ texts\)", "", outside)


def test_texts_that_check_a_name_were_not_shown_for_it() -> None:
    model = Model(NAMES)
    result(model, check=4)
    shown = set(re.findall(r"\w+ text \d+", model.asks[0].messages[1]["content"]))
    checked = {text for ask in model.asks[1:] for text in re.findall(r"\w+ text \d+", ask.messages[1]["content"])}
    assert len(checked) == 9  # of eight rows three at most are held back
    assert not shown & checked


def test_a_cluster_left_out_or_named_by_nothing_is_asked_for_again() -> None:
    model = Model({0: "Cards", 2: " .. "}, {1: "Money back", 2: "Passwords"})
    told = result(model, check=0)
    assert column(told, "name") == ["Cards", "Money back", "Passwords"]
    assert [asked(ask) for ask in model.asks] == [[0, 1, 2], [1, 2]]
    assert "Cards" in model.asks[1].messages[0]["content"]


def test_a_cluster_named_twice_in_a_reply_has_no_name_from_it() -> None:
    def said(role: str, ask: Ask) -> Any:
        some = asked(ask)
        if len(some) == 3:
            return {
                "clusters": [{"cluster": c, "name": f"name of {n}", "description": ""} for n, c in enumerate((0, 0, 1))]
            }
        return {"clusters": [{"cluster": c, "name": f"second {'abc'[c]}", "description": ""} for c in some]}

    assert column(result(said, check=0), "name") == ["second a", "name of 2", "second c"]


def test_what_gets_no_name_keeps_its_phrases() -> None:
    def said(role: str, ask: Ask) -> Any:
        return CallFailed("schema", "no JSON", lasting=True) if asked(ask) else {"answers": []}

    told = result(said, failed="quarantine")
    assert set(told.kinds) == {"quarantined"}
    told = result(said)
    assert column(told, "name") == list(TOPICS)
    assert column(told, "accuracy") == [None] * 3


def test_a_failure_on_the_way_decides_nothing() -> None:
    with pytest.raises(CallFailed, match="too slow"):
        result(lambda role, ask: CallFailed("timeout", "too slow"))


def test_names_that_clash_are_given_anew() -> None:
    model = Model({0: "Payment problems", 1: "payment problem", 2: "Passwords"}, {0: "Cards", 1: "Refunds"})
    told = result(model, check=0)
    assert column(told, "name") == ["Cards", "Refunds", "Passwords"]
    assert asked(model.asks[1]) == [0, 1]
    assert "same or too much alike" in model.asks[1].messages[0]["content"]


def test_names_that_clash_for_ever_get_a_phrase() -> None:
    told = result(Model({0: "Problems", 1: "Problems", 2: "Problems"}), check=0)
    names = column(told, "name")
    assert len(set(names)) == 3
    assert all(name.startswith("Problems (") for name in names)
    assert "card" in names[0]


def test_the_same_rows_are_asked_about_in_the_same_words_in_any_order() -> None:
    one, other = Model(NAMES), Model(NAMES)
    ids = {"id.high": pl.Series(range(24), dtype=pl.UInt64), "id.low": pl.Series([0] * 24, dtype=pl.UInt64)}
    given = rows_frame(rows()).with_columns(**ids)
    result(one, given)
    result(other, given.reverse())
    assert [ask.messages for ask in one.asks] == [ask.messages for ask in other.asks]


def test_rows_without_a_cluster_have_no_name() -> None:
    given = [*rows(), {"prompt": "x", "topics.cluster": None, "topics.name": None, "topics.distance": None}]
    assert result(Model(NAMES), given).column("annotate.clusters.name")[-1] is None


def test_forms_of_a_word_are_one_word() -> None:
    assert words("Lost Cards!") == words("cards, lost")
    assert clashes({0: "Lost card", 1: "cards", 2: "Card lost"}) == [[0, 2]]
    assert clashes({3: "Refund"}, ["refunds"]) == [[3]]


@pytest.mark.parametrize(
    "settings", [{}, {"clusters": "a", "together": 0}, {"clusters": "a", "check": -1}, {"clusters": "a", "fits": 2}]
)
def test_impossible_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Clusters.model_validate(settings)
