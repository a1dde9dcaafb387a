"""Clusterings of a run as people see and change them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import UsageError
from tamis.recipe.model import Recipe
from tamis.runner.execute import execute
from tamis.runs.blind import BlindTest
from tamis.runs.clusterings import Clusterings
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.cluster.kmeans import Kmeans

TOPICS = ("card", "refund", "password", "hotel")


def inquiries() -> list[dict[str, Any]]:
    """Four topics of eight rows, two of which lie near each other; vectors are given."""
    rows = []
    for at, topic in enumerate(TOPICS):
        for n in range(8):
            vector = [0.0] * 6
            vector[at] = 1.0
            vector[4] = 0.9 if at < 2 else 0.0
            vector[5] = 0.02 * n
            rows.append({"key": f"{at}-{n}", "text": f"{topic} question number {n} on my {topic}", "vector": vector})
    return rows


def recipe(*steps: Any, rows: list[dict[str, Any]] | None = None) -> Recipe:
    """What the first step sets is delivered."""
    columns = ("key", "text", *(f"{steps[0].name}.{column}" for column in steps[0].sets))
    return Recipe(
        name="sorted", sources=[Frames(data=rows or inquiries(), name="inbox", id=("key",))], steps=steps,
        deliver=[Jsonl(path="dist/out", columns=columns)],
    )  # fmt: skip


def kmeans(k: int, id: str, **fields: Any) -> Kmeans:
    return Kmeans(k=k, id=id, vectors="column:vector", name_by="column:text", **fields)


def delivered(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in map(json.loads, (folder / "dist/out/data.jsonl").read_text().splitlines())}


@pytest.fixture
def desk(tmp_path: Path) -> Clusterings:
    return Clusterings(execute(recipe(kmeans(4, "fine"), kmeans(3, "coarse")), tmp_path).folder)


def test_the_run_s_clusterings_stand_in_the_order_of_the_steps(desk: Clusterings) -> None:
    fine, coarse = desk.lines()
    assert (fine.step, fine.use, fine.rows, fine.clusters, fine.outliers) == ("fine", "cluster.kmeans", 32, 4, 0)
    assert (coarse.step, coarse.clusters, coarse.parameters["k"]) == ("coarse", 3, 3)
    assert desk.name("fine") == fine.clustering == desk.name(fine.clustering[:12])
    with pytest.raises(UsageError, match="no clustering 'fime'"):
        desk.name("fime")


def test_cards_show_texts_of_central_and_boundary_rows(desk: Clusterings) -> None:
    cards = desk.cards("fine")
    assert [card.cluster for card in cards] == [0, 1, 2, 3]
    for card in cards:
        [topic] = [topic for topic in TOPICS if topic in card.name]
        assert card.named_by == "phrases"
        assert len(card.central) == 5
        assert len(card.boundary) == 3
        assert all(topic in one.text for one in (*card.central, *card.boundary))


def test_the_flow_says_what_splits(desk: Clusterings) -> None:
    flow = desk.flow("coarse", "fine")
    assert sum(rows for _, _, rows in flow.links) == 32
    split = next(line for line in flow.sentences if "splits" in line)
    assert split.startswith("cluster 0 of coarse splits into")
    assert split.count("(50%)") == 2
    assert sum("is cluster" in line for line in flow.sentences) == 2


def test_a_blind_test_asks_only_where_they_disagree_and_counts_wins(desk: Clusterings) -> None:
    test = BlindTest(desk, "fine", "coarse")
    same = BlindTest(desk, "coarse", "fine")
    assert [one.token for one in test.questions] == [one.token for one in same.questions]
    pairs = [one for one in test.questions if one.kind == "same_topic"]
    assert pairs
    for one in pairs:  # only the coarse one puts cards and refunds together
        texts = desk.texts(desk.known("fine"), one.rows)
        assert {text.split()[0] for text in texts.values()} == {"card", "refund"}
    while (asked := test.next("ann")).kind is not None:
        assert all(row.text for row in asked.rows)
        if asked.kind == "same_topic":
            assert not set(vars(asked)) & {"of", "odd"}
            said = "different"
        else:
            words = [row.text.split()[0] for row in asked.rows]
            said = (
                next(row.id for row in asked.rows if words.count(row.text.split()[0]) == 1)
                if 4 in map(words.count, words)
                else "unsure"
            )
        test.answer(asked.token, said, who="ann", seconds=1.5)
    told = test.results()
    wins = {figure.name: figure for figure in told.wins}
    assert wins[desk.name("fine")].value == 1.0
    assert wins[desk.name("coarse")].value == 0.0
    assert wins[desk.name("fine")].n == len(pairs)
    assert told.answers == len(test.questions)
    assert {figure.name: figure.value for figure in told.odd}[desk.name("fine")] == 1.0
    assert test.next("bob").left == len(test.questions)  # everybody is asked all


def test_answers_that_are_none_are_refused(desk: Clusterings) -> None:
    test = BlindTest(desk, "fine", "coarse")
    asked = test.next("ann")
    with pytest.raises(UsageError, match="'maybe' is no answer"):
        test.answer(asked.token, "maybe")
    with pytest.raises(UsageError, match="no question"):
        test.answer("0" * 16, "same")
    with pytest.raises(UsageError, match="a test needs two"):
        BlindTest(desk, "fine", "fine")


def test_people_s_names_are_in_the_next_run_and_on_the_cards_at_once(desk: Clusterings, tmp_path: Path) -> None:
    desk.decide("rename", {"clustering": "fine", "cluster": 0, "name": "  Payment   cards "}, who="ann")
    card = Clusterings(desk.run).cards("fine")[0]
    assert (card.name, card.named_by) == ("Payment cards", "people")
    execute(recipe(kmeans(4, "fine"), kmeans(3, "coarse")), tmp_path)
    assert {row["name"] for row in delivered(tmp_path).values() if row["cluster"] == 0} == {"Payment cards"}


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("rename", {"clustering": "fine", "cluster": 9, "name": "x"}, "has no cluster 9; it has 0 to 3"),
        ("rename", {"clustering": "fine", "cluster": 0, "name": " "}, "a name for cluster 0 is missing"),
        ("merge", {"clustering": "fine", "clusters": [2, 2]}, "two clusters or more"),
        ("split", {"clustering": "fine", "cluster": 1, "parts": 1}, "2 to 50 parts, not 1"),
        ("accept", {"clustering": "fine"}, "no decision about a clustering"),
    ],
)
def test_what_cannot_be_done_is_refused(desk: Clusterings, kind: Any, value: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        desk.decide(kind, value)
    assert not desk.decisions().all


def test_merged_and_split_clusters_keep_the_other_ids(desk: Clusterings, tmp_path: Path) -> None:
    steps = (kmeans(4, "fine"),)
    before = {c.cluster: {e.text.split()[0] for e in c.central} for c in desk.cards("fine")}
    desk.decide("merge", {"clustering": "fine", "clusters": [1, 3], "name": "both"}, who="ann")
    desk.decide("split", {"clustering": "fine", "cluster": 2, "parts": 2}, who="ann")
    run = execute(recipe(*steps), tmp_path).folder
    after = Clusterings(run)
    cards = {card.cluster: card for card in after.cards("fine")}
    assert sorted(cards) == [0, 1, 2, 4]
    assert cards[1].name == "both"
    assert (cards[0].rows, cards[1].rows, cards[2].rows + cards[4].rows) == (8, 16, 8)
    assert {e.text.split()[0] for e in cards[0].central} == before[0]
    assert {e.text.split()[0] for e in (*cards[2].central, *cards[4].central)} == before[2]
    rows = delivered(tmp_path)
    assert sorted({row["cluster"] for row in rows.values()}) == [0, 1, 2, 4]
    assert {row["name"] for row in rows.values() if row["cluster"] == 1} == {"both"}
    assert all(row["distance"] is not None for row in rows.values())
    # the recorded clustering itself is as it was, and names of later edits are laid over
    assert desk.name("fine") == after.name("fine")


def test_with_grow_new_rows_go_where_the_edits_lead(tmp_path: Path) -> None:
    desk = Clusterings(execute(recipe(kmeans(4, "fine", grow=True)), tmp_path).folder)
    first = delivered(tmp_path)
    desk.decide("merge", {"clustering": "fine", "clusters": [0, 1], "name": "one kind"}, who="ann")
    more = {"key": "new", "text": "one more", "vector": [0.0] * 4 + [0.0, 0.0]}
    more["vector"][next(at for at in range(4) if first[f"{at}-0"]["cluster"] == 1)] = 1.0
    execute(recipe(kmeans(4, "fine", grow=True), rows=[*inquiries(), more]), tmp_path)
    after = delivered(tmp_path)
    assert (after["new"]["cluster"], after["new"]["name"]) == (0, "one kind")
    for key, row in first.items():
        assert after[key]["cluster"] == (0 if row["cluster"] == 1 else row["cluster"])


def test_a_new_fit_says_how_the_old_clusters_go_on_and_keeps_names(desk: Clusterings, tmp_path: Path) -> None:
    hotel = next(card for card in desk.cards("fine") if "hotel" in card.name)
    desk.decide("rename", {"clustering": "fine", "cluster": hotel.cluster, "name": "Travel"}, who="ann")
    told: list[Any] = []
    run = execute(recipe(kmeans(3, "fine")), tmp_path, emit=told.append).folder
    after = Clusterings(run)
    assert after.name("fine") != desk.name("fine")
    assert any("fitted anew: 4 of 4" in str(event) or "fitted anew: 3 of 4" in str(event) for event in told)
    named = next(card for card in after.cards("fine") if card.name == "Travel")
    assert all("hotel" in one.text for one in named.central)
    assert {row["name"] for key, row in delivered(tmp_path).items() if key.startswith("3-")} == {"Travel"}
    about = after.before("fine")
    assert about["shared_rows"] == 32
    assert {pair["old"]: pair["of_new"] for pair in about["pairs"]}[hotel.cluster] == 1.0
    assert len(about["gone"]) == 1


def test_texts_that_are_gone_leave_cards_without_texts(desk: Clusterings) -> None:
    import shutil

    shutil.rmtree(desk.workspace.raw)
    shutil.rmtree(desk.workspace.cache)
    cards = Clusterings(desk.run).cards("fine")
    assert {one.text for card in cards for one in card.central} == {""}
