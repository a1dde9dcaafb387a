"""The points of a run's map, read as a browser reads them."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.core.errors import UsageError
from tamis.recipe.model import Recipe
from tamis.runner.execute import execute
from tamis.runs.ledger import Ledger
from tamis.runs.map import TEXT, map_data
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.cluster.kmeans import Kmeans
from tamis.steps.embed.layout import Layout
from tamis.steps.embed.text import Text
from tamis.steps.filter.length import Length
from tamis.steps.map.template import Template
from tamis.steps.privacy.anonymize import Anonymize
from tamis.steps.split.random import Random

pytest.importorskip("wordllama")

TYPES = {"f32": "<f4", "u8": "u1", "u16": "<u2", "u32": "<u4"}
WHAT = ("my new card", "the refund for shoes", "a forgotten password", "the hotel booking")
HOW = ("where is {}", "please help me with {}", "I ask about {} again", "{} is late", "tell me more on {}")


def rows() -> list[dict[str, Any]]:
    made = [
        {"key": f"k{n}", "say": how.format(what), "score": n / 2 if n % 3 else None, "kind": what.split()[-1]}
        for n, (how, what) in enumerate((how, what) for how in HOW for what in WHAT)
    ]
    made.append({"key": "short", "say": "write bob@post.org", "score": 1.0, "kind": "mail"})
    made.append({"key": "none", "say": None, "score": 1.0, "kind": "mail"})
    return made


def run(folder: Path, *steps: Any, data: list[dict[str, Any]] | None = None) -> Path:
    recipe = Recipe(
        name="seen",
        models={"embedder": "local/default"},
        sources=[Frames(data=data or rows(), name="inbox", id=("key",))],
        steps=[Text(view="column:say"), *steps],
        deliver=[Jsonl(path="dist/out")],
    )
    return execute(recipe, folder).folder


def read(raw: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header, and the columns by name."""
    assert raw[:8] == b"TAMISMAP"
    [length] = struct.unpack_from("<I", raw, 8)
    head = json.loads(raw[12 : 12 + length])
    columns = {}
    for about in head["columns"]:
        assert about["at"] % 8 == 0
        count = head["points"] * (4 if about["kind"] == "id" else 1)
        columns[about["name"]] = np.frombuffer(raw, TYPES[about["type"]], count, about["at"])
    return head, columns


def test_points_have_places_ids_fates_clusters_and_figures(tmp_path: Path) -> None:
    steps = (
        Layout(method="pca"),
        Kmeans(k=4, name_by="column:say"),
        Length(view="column:say", min=3),
        Random(shares={"train": 0.5, "test": 0.5}),
    )
    found = map_data(run(tmp_path, *steps), None)
    head, columns = read(found.points())
    assert head == found.header()
    assert (head["layout"], head["points"], head["rows"], head["without_place"]) == ("embed.layout", 21, 22, 1)
    by = {about["name"]: about for about in head["columns"]}
    place = np.stack([columns["x"], columns["y"]], axis=1)
    assert np.abs(place).max() == 1
    ids = ["".join(f"{word:08x}" for word in row) for row in columns["id"].reshape(-1, 4).tolist()]
    ledger = Ledger(found.run)
    assert ids == [ledger.at(0, row).id for row in range(21)]
    fate = [by["fate"]["values"][k] for k in columns["fate"]]
    assert fate == ["kept"] * 20 + ["filter.length: too_short"]
    [_, left] = by["fate"]["fates"]
    assert (left["outcome"], left["step"], left["reason"]) == ("dropped", "filter.length", "too_short")
    assert by["fate"]["counts"] == [20, 1]
    assert {by["split"]["values"][k] for k in columns["split"][:20]} == {"train", "test"}
    assert by["split"]["values"][columns["split"][20]] is None
    kind = [by["source.kind"]["values"][k] for k in columns["source.kind"]]
    clusters = by["cluster.kmeans"]["clusters"]
    for at in range(20):
        assert kind[at] == WHAT[at % 4].split()[-1]
        mine = clusters[columns["cluster.kmeans"][at]]
        assert kind[at] in mine["name"] or kind[at] in ("password", "booking", "shoes", "card")
    for at, one in enumerate(clusters):
        inside = place[columns["cluster.kmeans"] == at]
        assert one["rows"] == len(inside)
        assert np.abs(inside - (one["x"], one["y"])).max(axis=1).min() < 0.05
    score = columns["source.score"]
    assert np.isnan(score[::3][:7]).all()
    assert score[1] == 0.5
    assert (by["source.score"]["min"], by["source.score"]["max"]) == (0.5, 9.5)
    assert "source.key" in by  # few enough to be told apart by colour
    assert found.texts(0, 2) == ["where is my new card", "where is the refund for shoes"]
    assert found.texts(20, 99) == ["write bob@post.org"]


def test_what_a_privacy_step_had_still_to_take_away_is_taken_away(tmp_path: Path) -> None:
    data = [{"key": "a", "say": "write to ann@post.org and wait for it"}, {"key": "b", "say": "mail bob@post.org"}]
    data += [{"key": str(n), "say": f"where is my card number {n}"} for n in range(4)]
    steps = (
        Layout(method="pca"),
        Length(view="column:say", min=3),
        Template(user="{say}"),
        Anonymize(),
    )
    found = map_data(run(tmp_path, *steps, data=data), "embed.layout")
    told = found.texts(0, 2)
    assert not any("@post.org" in text for text in told), told
    assert told[1].startswith("mail ")
    assert b"post.org" not in found.points()


def test_texts_are_cut_and_stand_in_one_line(tmp_path: Path) -> None:
    data = [{"key": "a", "say": "one\n\n two " + "é" * 400}, {"key": "b", "say": "three"}]
    found = map_data(run(tmp_path, Layout(method="pca"), data=data), None)
    assert found.texts(0, 1) == [("one two " + "é" * 400)[:TEXT]]
    assert found.texts(1, 1) == []


def test_a_run_without_a_map_says_how_to_get_one(tmp_path: Path) -> None:
    folder = run(tmp_path, Layout(method="pca"))
    with pytest.raises(UsageError, match=r"no layout 'x'.*embed\.layout"):
        map_data(folder, "x")
    other = run(tmp_path / "other")
    with pytest.raises(UsageError) as error:
        map_data(other, None)
    assert "embed.layout" in str(error.value.hint)
