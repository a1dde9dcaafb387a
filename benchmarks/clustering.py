"""How good clusters are, and how long they take. Prints Markdown tables.

    python benchmarks/clustering.py FOLDER --quality         # FOLDER/banking77/train.csv, FOLDER/clinc150/data_full.json.gz
    python benchmarks/clustering.py FOLDER --speed 200000    # rows made of those texts' vectors, with noise
    python benchmarks/clustering.py FOLDER --grow            # 1% more rows, through whole runs

Quality: NMI and ARI of the clusters with people's categories, over three seeds, all rows counted (outliers at the nearest
centre). Vectors: local/default. CPU seconds, since other work may share the machine; peak memory of the whole process.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.engine import density
from tamis.engine.kmeans import kmeans
from tamis.engine.quantised import Whole, centres_of, nearest, quantise, sums
from tamis.llm.local_embed import local_embedder

SEEDS = (0, 1, 2)


def texts(folder: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Texts and categories of each set."""
    banking = pl.read_csv(folder / "banking77/train.csv")
    with gzip.open(folder / "clinc150/data_full.json.gz") as file:
        clinc = json.load(file)
    inside = [row for part in ("train", "val", "test") for row in clinc[part]]
    return {
        "banking77": (banking["text"].to_list(), banking["category"].to_list()),
        "clinc150": ([row[0] for row in inside], [row[1] for row in inside]),
    }


def filled(vectors: Whole, label: NDArray[np.int32]) -> NDArray[np.int32]:
    """Outliers at the nearest centre."""
    k = int(label.max(initial=-1)) + 1
    out = label < 0
    if not out.any() or not k:
        return label
    whole = label.copy()
    whole[out] = nearest(vectors[out], centres_of(sums(vectors, label, k)))[0]
    return whole


def ways(k: int) -> dict[str, Callable[[Whole, int], NDArray[np.int32]]]:
    def layout(v: Whole, seed: int) -> NDArray[np.float32]:
        return density.umap_layout(v, seed, neighbours=15, dimensions=5, min_dist=0.0, what="this")

    def evoc(v: Whole, seed: int) -> NDArray[np.int32]:
        layers, _ = density.evoc_layers(v, seed, min_size=5, noise=0.5)
        return min(layers, key=lambda layer: abs(int(layer.max()) + 1 - k))

    def bertopic(v: Whole, seed: int, topics: int | None = None) -> NDArray[np.int32]:
        label = density.hdbscan_labels(layout(v, seed), min_size=10, min_samples=None)
        return label if topics is None else density.merged(v, label, topics)

    return {
        "cluster.kmeans": lambda v, seed: nearest(v, kmeans(v, k, seed))[0],
        "scikit-learn KMeans, n_init 1": lambda v, seed: scikit(v, k, seed),
        "cluster.umap_kmeans": lambda v, seed: density.kmeans_labels(layout(v, seed), k, seed),
        "cluster.bertopic": bertopic,
        "cluster.bertopic, topics: k": lambda v, seed: bertopic(v, seed, k),
        "cluster.evoc, layer nearest k": evoc,
    }


def scikit(vectors: Whole, k: int, seed: int) -> NDArray[np.int32]:
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(k, n_init=1, random_state=seed).fit(vectors.astype(np.float32)).labels_, np.int32)


def quality(folder: Path, only: str | None) -> None:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    print(
        "| set | rows | way | clusters | outliers | NMI | ARI | CPU seconds, median |\n|---|---:|---|---:|---:|---:|---:|---:|"
    )
    for name, (said, truth) in texts(folder).items():
        vectors, _ = quantise(local_embedder("default").embed(pl.Series(said)).values)
        k = len(set(truth))
        for way, make in ways(k).items():
            if only is not None and only not in f"{name} {way}":
                continue
            rows = []
            for seed in SEEDS:
                started = time.process_time()
                label = make(vectors, seed)
                taken = time.process_time() - started
                whole = filled(vectors, label)
                rows.append(
                    (label.max() + 1, (label < 0).mean(), normalized_mutual_info_score(truth, whole),
                     adjusted_rand_score(truth, whole), taken)
                )  # fmt: skip
            clusters, out, nmi, ari, _ = np.mean(rows, axis=0)
            taken = np.median([row[4] for row in rows])
            print(
                f"| {name} | {len(said):,} | {way} | {clusters:.0f} | {out:.1%} | {nmi:.3f} | {ari:.3f} | {taken:.1f} |",
                flush=True,
            )


def speed(folder: Path, rows: int, k: int, only: str | None) -> None:
    rng = np.random.default_rng(0)
    base = local_embedder("default").embed(pl.Series(texts(folder)["banking77"][0])).values
    base = base / np.linalg.norm(base, axis=1, keepdims=True)
    made: list[NDArray[Any]] = [np.empty((rows, base.shape[1]), np.float16)]
    for at in range(0, rows, 20_000):
        some = base[rng.integers(0, len(base), min(20_000, rows - at))]
        made[0][at : at + 20_000] = some + rng.normal(0, 0.35 / np.sqrt(base.shape[1]), some.shape)
    print(f"| {rows:,} rows, k = {k} | wall seconds | CPU seconds | peak MB |\n|---|---:|---:|---:|")

    def timed(what: str, work: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"| {what} | {wall:.1f} | {cpu:.1f} | {peak:,} |", flush=True)
        return result

    vectors = timed("vectors made comparable", lambda: quantise(made.pop())[0])
    for way, make in ways(k).items():
        if (only is None or only in way) and not way.startswith("scikit"):
            timed(way, lambda make=make: make(vectors, 0))
        if way == "cluster.kmeans":
            centres = kmeans(vectors[: 20 * k], k, 0)
            timed("assigning every row", lambda c=centres: nearest(vectors, c))


def grow(folder: Path) -> None:
    from tamis.core.events import Event, StageDone
    from tamis.recipe.model import Recipe
    from tamis.runner.execute import execute
    from tamis.sinks.jsonl import Jsonl
    from tamis.sources.frames import Frames
    from tamis.steps.cluster.kmeans import Kmeans
    from tamis.steps.embed.text import Text

    said, _ = texts(folder)["banking77"]
    order = np.random.default_rng(1).permutation(len(said))
    rows = [{"key": str(at), "text": said[at]} for at in order]
    most = len(rows) * 100 // 101
    print("| run | rows | embed, s | decide, s | old rows that moved |\n|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as place:
        before: dict[str, int] = {}
        for what, some in (("first", rows[:most]), ("1% more", rows)):
            told: list[Event] = []
            recipe = Recipe(
                name="grow",
                seed=42,
                models={"embedder": "local/default"},
                sources=[Frames(data=some, name="inbox", id=("key",))],
                steps=[Text(view="column:text"), Kmeans(k=77, name_by="column:text", grow=True)],
                deliver=[Jsonl(path="out")],
            )
            execute(recipe, Path(place), emit=told.append)
            seconds = {e.name: e.seconds for e in told if isinstance(e, StageDone)}
            lines = (Path(place) / "out/data.jsonl").read_text().splitlines()
            after = {row["key"]: row["cluster"] for row in map(json.loads, lines)}
            moved = sum(after[key] != cluster for key, cluster in before.items())
            print(
                f"| {what} | {len(some):,} | {seconds['embed.text (ask)']:.2f} | "
                f"{seconds['cluster.kmeans (decide)']:.2f} | {moved if before else '–'} |"
            )
            before = after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder with banking77 and clinc150")
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--grow", action="store_true")
    parser.add_argument("--speed", type=int, default=0, metavar="ROWS")
    parser.add_argument("--k", type=int, default=77)
    parser.add_argument("--only", help="a part of a way's name, or of a set and a way: 'clinc150 cluster.evoc'")
    options = parser.parse_args()
    if options.quality:
        quality(options.folder, options.only)
    if options.grow:
        grow(options.folder)
    if options.speed:
        speed(options.folder, options.speed, options.k, options.only)


if __name__ == "__main__":
    main()
