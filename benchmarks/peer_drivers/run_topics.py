"""A clustering step of Tamis with its names, on embeddings made before: run_topics.py TEXTS.json VECTORS.npy OUT.npy STEP [K]"""

import importlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

from tamis.engine.fitting import freeze
from tamis.engine.quantised import quantise

texts, vectors = pl.Series(json.loads(Path(sys.argv[1]).read_text())), np.load(sys.argv[2])
started = time.perf_counter()
name = sys.argv[4]
step = getattr(importlib.import_module(f"tamis.steps.cluster.{name}"), "".join(p.capitalize() for p in name.split("_")))
settings = {"topics" if name == "bertopic" else "k": int(sys.argv[5])} if len(sys.argv) > 5 else {}
whole, _ = quantise(vectors)
ids = np.arange(len(whole), dtype=np.uint64)
made = freeze(step(**settings).group(whole, 0), whole, ids, ids, lambda rows: texts.gather(rows), {})
print(time.perf_counter() - started)
np.save(sys.argv[3], np.where(made.outlier, -1, made.label).astype(np.int32))
