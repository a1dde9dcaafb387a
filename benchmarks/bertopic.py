"""Topics, side by side with BERTopic itself: python benchmarks/bertopic.py FOLDER [--sets banking77 clinc150] [--times 1]

FOLDER/banking77/train.csv and FOLDER/clinc150/data_full.json.gz. Both get the same texts and the same vectors of `local/default`,
each in a fresh process, from its start to its end: what is imported and compiled counts. BERTopic is installed with pip into
an environment of its own under --peers (PyTorch for CPUs, which it imports, is some gigabytes); Tamis runs in this Python.

Wall and CPU seconds and peak memory are of the whole process; "fit" is what the driver measured without imports and reading. NMI and
ARI compare with people's categories: of all rows, where outliers stand at the nearest centre (for both by the same rule), and of
the rows that are no outliers. BERTopic is not seeded, as its documentation has it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from clustering import filled, texts
from peers import Peer, environment
from processes import adopt_orphans, measure
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from tamis.engine.clusterings import numbered
from tamis.engine.quantised import quantise
from tamis.llm.local_embed import local_embedder

HERE = Path(__file__).parent / "peer_drivers"
PEER = Peer(("bertopic==0.17.4", "torch==2.13.0"), "")
#: name → driver, and what it is told after the paths; K stands for the number of categories
WAYS = {
    "BERTopic": ("run_bertopic.py", ()),
    "BERTopic, nr_topics: k": ("run_bertopic.py", ("K",)),
    "cluster.bertopic": ("run_topics.py", ("bertopic",)),
    "cluster.bertopic, topics: k": ("run_topics.py", ("bertopic", "K")),
    "cluster.umap_kmeans": ("run_topics.py", ("umap_kmeans", "K")),
    "cluster.kmeans": ("run_topics.py", ("kmeans", "K")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", default=["banking77", "clinc150"])
    parser.add_argument("--times", type=int, default=1, help="how often each runs; the median is told")
    parser.add_argument("--peers", type=Path, default=Path(tempfile.gettempdir()) / "tamis-peers")
    parser.add_argument("--limit", type=float, default=900, help="seconds a run may take")
    given = parser.parse_args()
    given.peers.mkdir(parents=True, exist_ok=True)
    adopt_orphans()
    python, problem = environment("bertopic", PEER, given.peers, 1800, {})
    if problem:
        print(problem, file=sys.stderr)
    print(
        "| set | rows | way | clusters | outliers | wall s | CPU s | fit s | peak MB | NMI | ARI | NMI kept | ARI kept |"
    )
    print("|---|---:|---|" + "---:|" * 10)
    with tempfile.TemporaryDirectory() as place:
        for name, (said, truth) in texts(given.folder).items():
            if name in given.sets:
                compare(Path(place), name, said, truth, python, given)


def compare(
    folder: Path, name: str, said: list[str], truth: list[str], python: Path | None, given: argparse.Namespace
) -> None:
    made = local_embedder("default").embed(pl.Series(said)).values.astype(np.float32)
    vectors, _ = quantise(made)
    np.save(folder / "vectors.npy", made)
    (folder / "texts.json").write_text(json.dumps(said))
    answers = np.array(truth)
    for way, (driver, told) in WAYS.items():
        own = python if driver == "run_bertopic.py" else Path(sys.executable)
        if own is None:
            continue
        rows = []
        for _ in range(given.times):
            out, log = folder / "out.npy", folder / "log.txt"
            more = [str(len(set(truth))) if one == "K" else one for one in told]
            command = [
                str(own),
                str(HERE / driver),
                *(str(folder / one) for one in ("texts.json", "vectors.npy")),
                str(out),
            ]
            found = measure([*command, *more], folder, given.limit, log)
            if found.problem:
                print(f"| {name} | {len(said):,} | {way} | {found.problem} |", flush=True)
                break
            label = np.load(out)
            label = numbered(label, int(label.max(initial=-1)) + 1)[0]
            whole, kept = filled(vectors, label), label >= 0
            fit = float(log.read_text().split()[-1])
            rows.append(
                [
                    label.max() + 1, (~kept).mean(), found.wall, found.cpu, fit, found.peak_mb,
                    normalized_mutual_info_score(answers, whole), adjusted_rand_score(answers, whole),
                    normalized_mutual_info_score(answers[kept], label[kept]), adjusted_rand_score(answers[kept], label[kept]),
                ]
            )  # fmt: skip
        if rows:
            k, out_share, wall, cpu, fit, peak, *scores = np.median(rows, axis=0)
            figures = " | ".join(f"{score:.3f}" for score in scores)
            print(
                f"| {name} | {len(said):,} | {way} | {k:.0f} | {out_share:.1%} | {wall:.1f} | {cpu:.1f} | {fit:.1f} | "
                f"{peak:,.0f} | {figures} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
