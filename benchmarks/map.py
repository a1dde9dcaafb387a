"""What a map costs: python benchmarks/map.py FILE.csv [--column text] [--rows 200000] [--method umap] [--place 1]

Whole runs, with `local/default`: embed, lay out, cluster, filter; then the map's file of bytes, and its texts. Rows are made of the
file's own, three words of one exchanged for those of others. --place: percent of rows added in a second run, with `grow: true`.
Seconds of the clock and of the processors, and the most memory of the whole process, as a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from embeddings import mixed

from tamis.core.events import Event, StageDone, Warned
from tamis.recipe.model import Recipe
from tamis.runner.execute import execute
from tamis.runs.map import map_data
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.cluster.kmeans import Kmeans
from tamis.steps.embed.layout import Layout
from tamis.steps.embed.text import Text
from tamis.steps.filter.length import Length


def clocked(name: str, work: Callable[[], Any]) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"| {name} | {wall:.1f} | {cpu:.1f} | {peak:,} |", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--column", default="text")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--method", choices=("umap", "pca"), default="umap")
    parser.add_argument("--most", type=int, default=200_000)
    parser.add_argument("--place", type=float, default=1.0)
    given = parser.parse_args()
    texts = mixed(pl.read_csv(given.file, infer_schema_length=0)[given.column].drop_nulls().to_list(), given.rows)
    chance = np.random.default_rng(3)
    data = pl.DataFrame(
        {
            "key": np.arange(given.rows),
            "text": texts,
            "length": texts.str.len_chars(),
            "score": chance.random(given.rows),
            "channel": pl.Series(["mail", "chat", "web"]).gather(chance.integers(0, 3, given.rows)),
        }
    )
    print(
        f"\n{given.rows:,} rows, {given.method}\n\n| what | seconds | processor seconds | peak MB |\n|---|---:|---:|---:|"
    )
    with tempfile.TemporaryDirectory() as name:
        before: dict[str, Any] = {}
        more = int(given.rows * given.place / 100)
        for what, rows in (("run", data[: given.rows - more]), (f"run with {given.place:g}% more", data)):
            told: list[Event] = []
            recipe = Recipe(
                name="seen",
                models={"embedder": "local/default"},
                sources=[Frames(data=rows, name="inbox", id=("key",))],
                steps=[
                    Text(view="column:text"),
                    Layout(method=given.method, most=given.most, grow=True),
                    Kmeans(k=77, name_by="column:text", grow=True),
                    Length(view="column:text", min=5),
                ],
                deliver=[Jsonl(path="out")],
            )
            result = clocked(what, lambda recipe=recipe, told=told: execute(recipe, Path(name), emit=told.append))
            for event in told:
                if isinstance(event, StageDone) and "layout" in event.name:
                    print(f"| … of which {event.name} | {event.seconds:.1f} | | |")
            lines = (Path(name) / "out/data.jsonl").read_text().splitlines()
            after = {row["key"]: (row["x"], row["y"], row["cluster"]) for row in map(json.loads, lines)}
            if before:
                moved = sum(after.get(key) != where for key, where in before.items())
                print(f"| rows that moved on the map or to another cluster: {moved:,} of {len(before):,} | | | |")
                for event in told:
                    if isinstance(event, Warned):
                        print(f"| {event.message} | | | |")
            before = after
            if not more:
                break
        found = clocked("the map read", lambda: map_data(result.folder, None))
        raw = clocked("its bytes", found.points)
        clocked("1,000 texts, the first", lambda: found.texts(0, 1000))
        clocked("1,000 texts more", lambda: found.texts(given.rows // 2, given.rows // 2 + 1000))
        print(
            f"\n{len(raw) / 1e6:.1f} MB, {found.header()['points']:,} points, {len(found.header()['columns'])} columns"
        )
        for folder in sorted((Path(name) / ".tamis/recorded/layouts").iterdir()):
            size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
            print(f"layout: {size:.1f} MB, {json.loads((folder / 'layout.json').read_text())['about']['quality']}")


if __name__ == "__main__":
    main()
