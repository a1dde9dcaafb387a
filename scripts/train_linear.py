"""Train a linear classifier of your own for `filter.toxicity` (`model:`), from texts that people labelled.

    python scripts/train_linear.py labelled.csv toxic.npz --text tweet --label class --yes 0 1

The file is a CSV, JSON Lines or Parquet file; rows whose label is one of `--yes` count as toxic. A fifth is held out, and
precision and recall on it are printed.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from tamis.engine.linear import least_units, train, units
from tamis.engine.text import to_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--text", required=True, help="column of the texts")
    parser.add_argument("--label", required=True, help="column of the labels")
    parser.add_argument("--yes", required=True, nargs="+", help="labels that count as toxic")
    parser.add_argument("--passes", type=int, default=5)
    options = parser.parse_args()
    readers = {".parquet": pl.read_parquet, ".jsonl": pl.read_ndjson}
    table = readers.get(options.data.suffix, pl.read_csv)(options.data)
    labels = table[options.label].cast(pl.String).is_in(options.yes).to_numpy()
    held = np.random.default_rng(0).random(len(labels)) < 0.2
    texts = table[options.text].cast(pl.String).fill_null("")
    model = train(to_text(texts.filter(pl.Series(~held))), labels[~held], passes=options.passes)
    np.savez_compressed(options.out, weights=model.weights, bias=model.bias)
    scores = units(to_text(texts.filter(pl.Series(held))), model)
    for least in (0.5, 0.8, 0.9, 0.95):
        found = scores >= least_units(least)
        hits = int((found & labels[held]).sum())
        print(f"{least}: precision {hits / max(1, found.sum()):.3f}, recall {hits / max(1, labels[held].sum()):.3f}")


if __name__ == "__main__":
    main()
