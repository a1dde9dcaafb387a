"""A run waits until people have chosen a clustering."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import GateWaiting, UsageError
from tamis.recipe.model import Recipe
from tamis.runner.execute import Options, execute
from tamis.runner.foresee import foresee
from tamis.runs.blind import BlindTest
from tamis.runs.clusterings import Clusterings
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.cluster.kmeans import Kmeans
from tamis.steps.review.clusters import Clusters

TOPICS = ("card", "refund", "password", "hotel")


def inquiries() -> list[dict[str, Any]]:
    return [
        {"key": f"{at}-{n}", "text": f"{topic} {n}", "vector": [1.0 if k == at else 0.05 * n for k in range(4)]}
        for at, topic in enumerate(TOPICS)
        for n in range(6)
    ]


def recipe(k: int = 4, **gate: Any) -> Recipe:
    steps = [
        Kmeans(k=n, id=name, vectors="column:vector", name_by="column:text") for n, name in ((k, "fine"), (2, "coarse"))
    ]
    return Recipe(
        name="chosen", sources=[Frames(data=inquiries(), name="inbox", id=("key",))],
        steps=[*steps, Clusters(candidates=("fine", "coarse"), **gate)],
        deliver=[Jsonl(path="dist/out", columns={"key": "key", "cluster": "review.clusters.cluster", "name": "review.clusters.name"})],
    )  # fmt: skip


def waits(folder: Path, **fields: Any) -> str:
    with pytest.raises(GateWaiting) as waiting:
        execute(recipe(**fields), folder)
    return str(waiting.value)


def desk(folder: Path) -> Clusterings:
    return Clusterings(folder / "runs/chosen/1")


def test_the_run_waits_until_all_was_seen_two_are_shortlisted_and_one_is_chosen(tmp_path: Path) -> None:
    assert "6 of 6 clusters are still to be looked at (4 of fine, 2 of coarse); 0 of 2" in waits(tmp_path)
    assert json.loads((tmp_path / "runs/chosen/1/gate.json").read_text())["asked"] == 6
    for c in range(4):
        desk(tmp_path).decide("look", {"clustering": "fine", "cluster": c}, who="ann")
    assert "2 of 6 clusters are still to be looked at (2 of coarse)" in waits(tmp_path)
    desk(tmp_path).decide("look", {"clustering": "coarse"}, who="bob")
    with pytest.raises(UsageError, match="cannot be chosen yet: 0 of 2 clusterings are shortlisted"):
        desk(tmp_path).decide("choose", {"clustering": "fine"}, who="ann", why="finer")
    for name in ("fine", "coarse"):
        desk(tmp_path).decide("shortlist", {"clustering": name}, who="ann")
    assert "one of them is to be chosen" in waits(tmp_path)
    with pytest.raises(UsageError, match="a choice says why"):
        desk(tmp_path).decide("choose", {"clustering": "fine"}, who="ann")
    desk(tmp_path).decide("choose", {"clustering": "fine"}, who="ann", why="cards and refunds are two things")
    manifest = execute(recipe(), tmp_path).manifest
    assert manifest["run"] == "1"
    [choice] = manifest["choices"]
    told = {name: choice[name] for name in ("gate", "chosen", "who", "why", "looked", "clusters")}
    assert told == {
        "gate": "review.clusters", "chosen": "fine", "who": "ann", "why": "cards and refunds are two things", "looked": 6,
        "clusters": 6,
    }  # fmt: skip
    told = "ann chose fine out of fine, coarse on"
    assert told in (tmp_path / "dist/out/README.md").read_text()
    assert "cards and refunds are two things. 6 of 6 clusters" in (tmp_path / "runs/chosen/1/report.html").read_text()
    steps = {step["name"]: step for step in manifest["steps"]}
    assert steps["review.clusters"]["recordings"] == steps["fine"]["recordings"]
    assert steps["fine"]["recordings"] == [f"clusterings/{choice['clustering']}"]
    rows = [json.loads(line) for line in (tmp_path / "dist/out/data.jsonl").read_text().splitlines()]
    assert len({row["cluster"] for row in rows}) == 4
    [gate] = desk(tmp_path).gates
    assert (gate.missing, gate.chosen["who"]) == ((), "ann")
    assert desk(tmp_path).line("fine").chosen == "ann"
    assert desk(tmp_path).line("fine").looked == 4


def test_recorded_decisions_are_replayed_elsewhere(tmp_path: Path) -> None:
    chosen(tmp_path / "a")
    first = (tmp_path / "a/dist/out/data.jsonl").read_bytes()
    execute(recipe(), tmp_path / "b", Options(decisions=tmp_path / "a/decisions/chosen.jsonl"))
    assert (tmp_path / "b/dist/out/data.jsonl").read_bytes() == first


def test_another_fit_of_a_candidate_is_looked_at_anew(tmp_path: Path) -> None:
    chosen(tmp_path, "fine")
    with pytest.raises(GateWaiting, match=r"fine-.* was chosen and is no candidate any more; 3 of 5 .* \(3 of fine\)"):
        execute(recipe(k=3), tmp_path)


def test_a_changed_gate_judges_nothing_before_it_anew(tmp_path: Path) -> None:
    chosen(tmp_path)
    plan = {step["step"]: step for step in foresee(recipe(), tmp_path)["steps"]}
    assert {name: step["to_judge"] for name, step in plan.items()} == {"fine": 0, "coarse": 0, "review.clusters": 0}
    assert plan["review.clusters"]["kind"] == "gate"


def test_renaming_the_chosen_one_asks_nobody_again(tmp_path: Path) -> None:
    chosen(tmp_path)
    desk(tmp_path).decide("rename", {"clustering": "coarse", "cluster": 0, "name": "Money"}, who="bob")
    execute(recipe(), tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "dist/out/data.jsonl").read_text().splitlines()]
    assert "Money" in {row["name"] for row in rows}


def test_answers_of_the_blind_test_are_in_the_same_file(tmp_path: Path) -> None:
    waits(tmp_path)
    test = BlindTest(desk(tmp_path), "fine", "coarse")
    asked = test.next("ann")
    made = test.answer(asked.token, "unsure", who="ann")
    assert made.step == "review.clusters"
    assert test.results().answers == 1
    assert BlindTest(desk(tmp_path), "coarse", "fine").next("ann").asked == 1


def chosen(folder: Path, which: str = "coarse") -> None:
    waits(folder)
    for name in ("fine", "coarse"):
        desk(folder).decide("look", {"clustering": name}, who="ann")
        desk(folder).decide("shortlist", {"clustering": name}, who="ann")
    desk(folder).decide("choose", {"clustering": which}, who="ann", why="enough")
    execute(recipe(), folder)
