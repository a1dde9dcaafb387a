"""What embedding costs with `local/default`: python benchmarks/embeddings.py FILE.csv [--column text] [--rows 200000]

Texts are made of the file's own, three words of one exchanged for those of others, so that hardly two are equal. Seconds of
the clock and of the processors (which is what counts on a machine that does other things too), as a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tamis.llm.local_embed import local_embedder
from tamis.llm.models import open_models
from tamis.llm.spec import Model


def clocked(name: str, count: int, work: Callable[[], Any]) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"| {name} | {count:,} | {wall:.2f} | {cpu:.2f} | {count / cpu:,.0f} |", flush=True)
    return found


def mixed(texts: list[str], rows: int) -> pl.Series:
    """Rows like the file's, hardly two of them equal."""
    chance = np.random.default_rng(1)
    words = [word for text in texts for word in text.split()]
    made = []
    for which, places in zip(chance.integers(0, len(texts), rows), chance.random((rows, 3)), strict=True):
        own = texts[which].split() or ["-"]
        for place, word in zip(places, chance.integers(0, len(words), 3), strict=True):
            own[int(place * len(own))] = words[word]
        made.append(" ".join(own))
    return pl.Series(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--column", default="text")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--peer", action="store_true", help="wordllama itself too, on 20,000 of them")
    given = parser.parse_args()
    texts = mixed(pl.read_csv(given.file, infer_schema_length=0)[given.column].drop_nulls().to_list(), given.rows)
    local_embedder("default").embed(pl.Series(["warm"]))
    local_embedder.cache_clear()
    cast = {"embedder": Model(model="local/default")}
    print(f"\n{texts.n_unique():,} distinct texts of {texts.str.len_chars().mean():.0f} characters\n")
    print("| what | texts | seconds | processor seconds | texts a processor second |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def run(some: pl.Series, number: int) -> Any:
            async def work() -> Any:
                async with open_models(cast, {}, None, folder) as models:
                    return await models.embed_series("embedder", some, folder / f"out{number}")

            return asyncio.run(work())

        clocked("embedded and kept", len(texts), lambda: run(texts, 1))
        clocked("found again", len(texts), lambda: run(texts, 2))
        long = pl.Series([" ".join(texts[at : at + 10]) for at in range(0, len(texts), 10)])
        clocked(f"embedded and kept, {long.str.len_chars().mean():.0f} characters", len(long), lambda: run(long, 3))
    if given.peer:
        import wordllama

        model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
        clocked("wordllama itself", 20_000, lambda: model.embed(texts[:20_000].to_list(), norm=True))
    print(f"\nAt most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB in memory.")


if __name__ == "__main__":
    main()
