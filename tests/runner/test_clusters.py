"""Embed once, cluster, grow: through whole runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tamis.core.errors import CorruptFile
from tamis.core.events import CallsProgress, Event, Warned
from tamis.recipe.model import Recipe
from tamis.runner.execute import Options, execute
from tamis.runner.foresee import foresee
from tamis.runs.ledger import Ledger
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.cluster.evoc import Evoc
from tamis.steps.cluster.kmeans import Kmeans
from tamis.steps.embed.text import Text
from tests.endpoint import Endpoint, Status

pytest.importorskip("wordllama")

WHAT = ("my new card", "the refund for shoes", "a forgotten password", "the hotel booking")
HOW = (
    "where is {}",
    "please help me with {}",
    "I ask about {} again",
    "{} is late",
    "tell me more on {}",
    "nothing about {} works",
)


def inquiries(*more: str) -> list[dict[str, Any]]:
    texts = [how.format(what) for how in HOW for what in WHAT] + list(more)
    return [{"key": str(n), "text": text} for n, text in enumerate(texts)]


def recipe(rows: list[dict[str, Any]], **fields: Any) -> Recipe:
    return Recipe(
        name="sorted",
        models={"embedder": "local/default"},
        sources=[Frames(data=rows, name="inbox", id=("key",))],
        steps=[Text(view="column:text"), Kmeans(k=4, name_by="column:text", **fields)],
        deliver=[Jsonl(path="dist/out")],
    )


def delivered(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (folder / "dist/out/data.jsonl").read_text().splitlines()
    return {row["key"]: row for row in map(json.loads, lines)}


def fits(folder: Path) -> list[Path]:
    return sorted((folder / ".tamis/recorded/clusterings").glob("*/clustering.json"))


def test_rows_are_embedded_clustered_named_and_delivered_without_keys(tmp_path: Path) -> None:
    execute(recipe(inquiries()), tmp_path)
    rows = delivered(tmp_path)
    assert set(rows["0"]) == {"key", "text", "cluster", "name", "distance"}
    for at, word in enumerate(("card", "refund", "password", "hotel")):
        mine = [row for key, row in rows.items() if int(key) % 4 == at]
        assert len({row["cluster"] for row in mine}) == 1
        assert word in mine[0]["name"]


def test_the_order_of_the_rows_changes_no_cluster(tmp_path: Path) -> None:
    texts = [f"{how.format(what)} {n}" for n in range(8) for how in HOW for what in WHAT]  # no clean groups of nine
    for place, rows in (("a", inquiries(*texts)), ("b", inquiries(*texts)[::-1])):
        step = Kmeans(k=9, name_by="column:text")
        execute(recipe(rows).model_copy(update={"steps": (Text(view="column:text"), step)}), tmp_path / place)
    assert delivered(tmp_path / "a") == delivered(tmp_path / "b")


def test_one_row_more_embeds_one(tmp_path: Path) -> None:
    told: list[Event] = []
    execute(recipe(inquiries()), tmp_path)
    [store] = (tmp_path / ".tamis/recorded/embeddings").iterdir()
    before = (store / "rows").stat().st_size
    execute(recipe(inquiries("where is my parcel", "where is my parcel")), tmp_path, emit=told.append)
    assert (store / "rows").stat().st_size - before == before // 24
    last = next(event for event in told if isinstance(event, CallsProgress) and event.last)
    assert last.rows == 26


def test_a_text_that_is_missing_stays_without_a_cluster(tmp_path: Path) -> None:
    execute(recipe([*inquiries(), {"key": "none", "text": None}]), tmp_path)
    assert delivered(tmp_path)["none"]["cluster"] is None


def test_a_rerun_without_its_cache_fits_nothing_again(tmp_path: Path) -> None:
    execute(recipe(inquiries()), tmp_path)
    first, [fitted] = delivered(tmp_path), fits(tmp_path)
    written = fitted.stat().st_mtime_ns
    execute(recipe(inquiries()), tmp_path, Options(fresh=True))
    assert delivered(tmp_path) == first
    assert [path.stat().st_mtime_ns for path in fits(tmp_path)] == [written]


def test_lost_vectors_are_made_again_though_the_keys_are_cached(tmp_path: Path) -> None:
    execute(recipe(inquiries()), tmp_path)
    first = delivered(tmp_path)
    shutil.rmtree(tmp_path / ".tamis/recorded")
    other = recipe(inquiries(), drift=0.5)  # decided anew
    execute(other, tmp_path)
    assert delivered(tmp_path) == first


def test_the_plan_says_what_is_embedded_already(tmp_path: Path) -> None:
    before = {step["step"]: step for step in foresee(recipe(inquiries()), tmp_path)["steps"]}
    assert before["embed.text"]["asks"]["rows"] == 24
    assert before["embed.text"]["asks"]["usd"] == 0
    execute(recipe(inquiries()), tmp_path)
    after = {step["step"]: step for step in foresee(recipe(inquiries()), tmp_path)["steps"]}
    assert after["embed.text"]["asks"]["rows"] == 0
    assert [step["to_judge"] for step in after.values()] == [0, 0]


def test_growing_moves_no_row_and_says_how_the_new_ones_fit(tmp_path: Path) -> None:
    execute(recipe(inquiries(), grow=True), tmp_path)
    first = delivered(tmp_path)
    told: list[Event] = []
    execute(recipe(inquiries("where is my new card please"), grow=True), tmp_path, emit=told.append)
    after = delivered(tmp_path)
    assert {key: after[key] for key in first} == first
    assert after["24"]["cluster"] == after["0"]["cluster"]
    assert len(fits(tmp_path)) == 1
    warned = [event.message for event in told if isinstance(event, Warned)]
    assert any("1 rows are new to the clustering; 0 of them" in message for message in warned)
    assert not any("drift" in message for message in warned)


def test_a_row_whose_text_changed_goes_where_it_belongs_now(tmp_path: Path) -> None:
    execute(recipe(inquiries(), grow=True), tmp_path)
    first, rows = delivered(tmp_path), inquiries()
    rows[0]["text"] = "please help me with the hotel booking"
    execute(recipe(rows, grow=True), tmp_path)
    assert delivered(tmp_path)["0"]["cluster"] == first["3"]["cluster"] != first["0"]["cluster"]


def test_new_topics_are_told_as_drift(tmp_path: Path) -> None:
    execute(recipe(inquiries(), grow=True), tmp_path)
    strange = [f"{word} recipe with butter and onions" for word in ("soup", "cake", "pie", "rice", "stew", "fish")]
    told: list[Event] = []
    execute(recipe(inquiries(*strange), grow=True), tmp_path, emit=told.append)
    assert any("drift: 6 rows are new" in event.message for event in told if isinstance(event, Warned))


def test_an_earlier_fit_is_applied_to_other_rows(tmp_path: Path) -> None:
    execute(recipe(inquiries()), tmp_path / "a")
    [fitted] = fits(tmp_path / "a")
    rows = [{"key": "x", "text": "hotel booking"}]
    execute(recipe(rows, fit=fitted.parent), tmp_path / "b")
    assert "hotel" in delivered(tmp_path / "b")["x"]["name"]
    [copy] = fits(tmp_path / "b")  # kept here too, so that people can look at it
    assert copy.with_name("rows.parquet").read_bytes() == fitted.with_name("rows.parquet").read_bytes()


def test_layers_of_groups_and_outliers_go_through_a_run(tmp_path: Path) -> None:
    pytest.importorskip("evoc")
    many = [f"{how.format(what)} {n}" for n in range(6) for how in HOW for what in WHAT]
    steps: list[Any] = [Text(view="column:text"), Evoc(name_by="column:text", grow=True)]
    for rows in (inquiries(*many), inquiries(*many, "where is my new card now")):
        execute(recipe(rows).model_copy(update={"steps": tuple(steps)}), tmp_path)
    found = delivered(tmp_path)
    assert all(isinstance(row["layers"], list) for key, row in found.items() if key != "168")
    assert found["168"]["layers"] is None
    assert found["168"]["outlier"] is False
    assert found["168"]["cluster"] is not None


def test_a_clustering_that_changed_on_the_disk_is_refused(tmp_path: Path) -> None:
    execute(recipe(inquiries()), tmp_path)
    [fitted] = fits(tmp_path)
    rows = fitted.parent / "rows.parquet"
    rows.write_bytes(rows.read_bytes()[:-9] + b"xxxxxxxxx")
    with pytest.raises(CorruptFile, match="changed since it was fitted"):
        execute(recipe(inquiries()), tmp_path, Options(fresh=True))


def test_a_text_the_endpoint_refuses_is_quarantined_and_asked_again_next_time(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    endpoint.script = lambda seen: Status(400) if "poison" in seen.body["input"] else None
    rows = [*inquiries(), {"key": "bad", "text": "poison"}, {"key": "none", "text": None}]
    one = Recipe(
        name="refused",
        max_quarantined=0.1,
        models={"embedder": {"model": "here/m", "price": {"input": 0}}},
        connections={"here": {"url": endpoint.url}},
        sources=[Frames(data=rows, name="inbox", id=("key",))],
        steps=[Text(view="column:text")],
        deliver=[Jsonl(path="dist/out")],
    )
    result = execute(one, tmp_path)
    assert (result.outcomes["kept"], result.outcomes["quarantined"]) == (25, 1)
    assert "bad" not in delivered(tmp_path)
    assert "none" in delivered(tmp_path)
    ledger = Ledger(tmp_path / "runs/refused/1")
    said = ledger.part(ledger.steps[0], 0)
    assert said is not None
    (row,) = said.filter(pl.col("outcome") == "quarantined").to_dicts()
    assert row["row"] == 24
    assert "told 400" in row["evidence.error"]
    bought = len(endpoint.bought())
    endpoint.script = lambda seen: None
    assert execute(one, tmp_path).outcomes["kept"] == 26
    assert len(endpoint.bought()) == bought + 1
    assert "bad" in delivered(tmp_path)
