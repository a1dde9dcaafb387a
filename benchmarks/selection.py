"""How long `select.deita` takes: 100,000 rows of 384 dimensions, 6,000 to choose. Prints a Markdown table.

    python benchmarks/selection.py [--rows 100000] [--dimensions 384] [--count 6000]

Three sets: unlike rows (every candidate stays), topics (rows around centres, as embeddings of prompts lie), and copies (so
few directions that the whole set is gone through and never enough are found, the longest possible way).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.steps.select.deita import Deita


def unlike(rng: np.random.Generator, rows: int, dimensions: int) -> NDArray[np.float32]:
    return rng.standard_normal((rows, dimensions), np.float32)


def topics(rng: np.random.Generator, rows: int, dimensions: int) -> NDArray[np.float32]:
    """Rows around 3,000 centres, from near copies to loose relatives."""
    centres = rng.standard_normal((3_000, dimensions), np.float32)
    spread = rng.uniform(0.05, 1.0, (rows, 1)).astype(np.float32)
    return centres[rng.integers(0, len(centres), rows)] + spread * rng.standard_normal((rows, dimensions), np.float32)


def copies(rng: np.random.Generator, rows: int, dimensions: int, directions: int = 5_900) -> NDArray[np.float32]:
    centres = rng.standard_normal((directions, dimensions), np.float32)
    return centres[rng.integers(0, directions, rows)] + 0.01 * rng.standard_normal((rows, dimensions), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rows", 100_000), ("dimensions", 384), ("count", 6_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    rng = np.random.default_rng(42)
    print("| set | kept | too similar | seconds | CPU seconds |\n|---|---:|---:|---:|---:|")
    for make in (unlike, topics, copies):
        vectors = make(rng, options.rows, options.dimensions)
        frame = pl.DataFrame(
            {
                "source.score": rng.random(options.rows),
                "source.vector": pl.Series(vectors, dtype=pl.Array(pl.Float32, options.dimensions)),
            }
        )
        del vectors
        wall, cpu = time.perf_counter(), time.process_time()
        result = _decided(Deita(score="score", vectors="vector", count=options.count), frame)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"| {make.__name__} | {result[0]:,} | {result[1]:,} | {wall:.1f} | {cpu:.1f} |")


def _decided(step: Deita, frame: pl.DataFrame) -> tuple[int, int]:
    """Rows kept and rows too similar: gather and decide, without what `run_step` makes of each row."""
    from tamis.engine.frame import Frame
    from tamis.testing import MemoryTable

    rows = Frame.of(frame)
    verdict = step.decide(MemoryTable(rows, step.gather(rows)))
    left = {clause.reason: int(clause.when.sum()) for clause in verdict.clauses}
    return frame.height - sum(left.values()), left["too_similar"]


if __name__ == "__main__":
    main()
