"""A map that is made once: through whole runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.core.errors import CorruptFile
from tamis.core.events import CallsProgress, Event, Warned
from tamis.engine import layouts
from tamis.recipe.model import Recipe
from tamis.runner.execute import Options, execute
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.cluster.kmeans import Kmeans
from tamis.steps.embed.layout import Layout
from tamis.steps.embed.text import Text

from .test_clusters import HOW, WHAT, delivered

pytest.importorskip("wordllama")
pytest.importorskip("umap")


def inquiries(*more: str) -> list[dict[str, Any]]:
    texts = [f"{how.format(what)} {n}" for n in range(5) for how in HOW for what in WHAT]
    return [{"key": str(n), "text": text} for n, text in enumerate([*texts, *more])]


def recipe(rows: list[dict[str, Any]], **fields: Any) -> Recipe:
    return Recipe(
        name="seen",
        models={"embedder": "local/default"},
        sources=[Frames(data=rows, name="inbox", id=("key",))],
        steps=[Text(view="column:text"), Layout(**fields)],
        deliver=[Jsonl(path="dist/out")],
    )


def made(folder: Path) -> list[Path]:
    return sorted((folder / ".tamis/recorded/layouts").glob("*/layout.json"))


def place(row: dict[str, Any]) -> tuple[float, float]:
    return row["x"], row["y"]


def test_growing_embeds_the_new_rows_alone_moves_none_and_says_how_they_fit(tmp_path: Path) -> None:
    many = recipe(inquiries(), grow=True)
    steps = (*many.steps, Kmeans(k=4, name_by="column:text", grow=True))
    execute(many.model_copy(update={"steps": steps}), tmp_path)
    first, told = delivered(tmp_path), list[Event]()
    [store] = (tmp_path / ".tamis/recorded/embeddings").iterdir()
    before = (store / "rows").stat().st_size
    grown = recipe(inquiries("where is my new card please"), grow=True)
    execute(grown.model_copy(update={"steps": steps}), tmp_path, emit=told.append)
    after = delivered(tmp_path)
    assert {key: after[key] for key in first} == first
    assert (store / "rows").stat().st_size - before == before // len(first)
    assert next(event for event in told if isinstance(event, CallsProgress) and event.last).rows == len(first) + 1
    new = after["120"]
    gap = {key: np.hypot(new["x"] - row["x"], new["y"] - row["y"]) for key, row in first.items()}
    assert int(min(gap, key=lambda key: gap[key])) % 4 == 0  # about the card
    warned = [event.message for event in told if isinstance(event, Warned)]
    assert any("1 rows are new to the map" in message for message in warned)
    assert not any("drift" in message for message in warned)
    assert len(made(tmp_path)) == 1


def test_a_row_placed_later_stays_where_it_was_put(tmp_path: Path) -> None:
    execute(recipe(inquiries(), grow=True), tmp_path)
    execute(recipe(inquiries("where is my new card please"), grow=True), tmp_path)
    once = delivered(tmp_path)["120"]
    execute(recipe(inquiries("where is my new card please", "a card", "my card is late"), grow=True), tmp_path)
    assert delivered(tmp_path)["120"] == once


def test_a_row_whose_text_changed_is_placed_anew_and_a_copy_where_its_twin_stands(tmp_path: Path) -> None:
    execute(recipe(inquiries(), grow=True), tmp_path)
    first, rows = delivered(tmp_path), inquiries("where is my new card 0")
    rows[0]["text"] = rows[3]["text"]
    execute(recipe(rows, grow=True), tmp_path)
    after = delivered(tmp_path)
    assert place(after["0"]) == place(first["3"]) != place(first["0"])
    assert place(after["120"]) == place(first["0"])
    assert after["0"]["map_distance"] == pytest.approx(0, abs=1e-6)


def test_the_order_of_the_rows_moves_nothing_and_a_rerun_makes_no_new_map(tmp_path: Path) -> None:
    execute(recipe(inquiries()), tmp_path / "a")
    execute(recipe(inquiries()[::-1]), tmp_path / "b")
    assert delivered(tmp_path / "a") == delivered(tmp_path / "b")
    [one] = made(tmp_path / "a")
    written = one.stat().st_mtime_ns
    execute(recipe(inquiries()), tmp_path / "a", Options(fresh=True))
    assert [path.stat().st_mtime_ns for path in made(tmp_path / "a")] == [written]


def test_strange_rows_are_told_as_drift_and_other_rows_can_be_placed(tmp_path: Path) -> None:
    execute(recipe(inquiries(), grow=True), tmp_path / "a")
    strange = [f"{word} recipe with butter and onions" for word in ("soup", "cake", "pie", "rice", "stew", "fish")]
    told: list[Event] = []
    execute(recipe(inquiries(*strange), grow=True), tmp_path / "a", emit=told.append)
    assert any("drift: 6 rows are new to the map" in event.message for event in told if isinstance(event, Warned))
    [one] = made(tmp_path / "a")
    execute(recipe([{"key": "x", "text": "where is my new card 0"}], fit=one.parent), tmp_path / "b")
    assert place(delivered(tmp_path / "b")["x"]) == place(delivered(tmp_path / "a")["0"])
    assert not made(tmp_path / "b")


def test_a_map_that_changed_on_the_disk_is_refused(tmp_path: Path) -> None:
    execute(recipe(inquiries()), tmp_path)
    [one] = made(tmp_path)
    rows = one.parent / "rows.parquet"
    rows.write_bytes(rows.read_bytes()[:-9] + b"xxxxxxxxx")
    with pytest.raises(CorruptFile, match="changed since it was made"):
        execute(recipe(inquiries()), tmp_path, Options(fresh=True))


def test_a_layout_comes_back_from_the_disk_as_it_was(tmp_path: Path) -> None:
    execute(recipe(inquiries(), method="pca"), tmp_path)
    [one] = made(tmp_path)
    found = layouts.load(one.parent)
    layouts.save(tmp_path / "again", found)
    assert (tmp_path / "again/layout.json").read_bytes() == one.read_bytes()
    assert found.about["parameters"]["method"] == "pca"
    quality = found.about["quality"]
    assert set(quality) == {"neighbours_kept"}
