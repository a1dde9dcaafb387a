"""The chain of filters: CPU time of each per row, and the share of good rows that each keeps.

    TAMIS_DATA=../shared/data python benchmarks/filters.py [--rows 100000] [--only filter.noise,filter.markup]

Speed: real-like rows (`rows.py`), judged in one process, one partition of 20,000 rows at a time, as a stage does it: the
filters share the views' bytes, and the rows that one drops are not taken away from the next. CPU seconds of the process
(every thread), so that other work on the machine counts little. Kept: real instruction sets, those of `TAMIS_DATA` that are
there, each with its own prompts and answers; a row counts as dropped by the first filter that drops it.
Steps that do not exist are named and skipped.
"""

from __future__ import annotations

import argparse
import gzip
import io
import itertools
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
from rows import data_folder, rows

from tamis.core.errors import TamisError
from tamis.core.registry import resolve
from tamis.core.step import RowStep
from tamis.engine.frame import Frame
from tamis.testing import rows_frame

#: (step, settings as a recipe has them)
CHAIN: list[tuple[str, dict[str, object]]] = [
    ("filter.empty", {}),
    ("filter.length", {"min": 1}),
    ("filter.roles", {}),
    ("filter.refusal", {}),
    ("filter.repetition", {}),
    ("filter.language", {"keep": ["en", "zh"]}),
    ("filter.noise", {}),
    ("filter.injection", {}),
    ("filter.newsletter", {}),
    ("filter.markup", {}),
    ("filter.truncated", {}),
    ("filter.special_tokens", {}),
    ("filter.model_identity", {}),
    ("filter.toxicity", {}),
    ("filter.grounding", {"kinds": ["numbers", "dates", "names", "links", "emails"]}),
    ("filter.readability", {"min": -100}),
    ("score.spelling", {}),
]
#: made for answers from a source; the good sets are full of open questions
SPEED_ONLY = ("filter.grounding",)
#: ten filters that a set of answers would be cleaned with
TEN = (
    *("filter.refusal", "filter.repetition", "filter.noise", "filter.injection", "filter.newsletter", "filter.markup"),
    *("filter.truncated", "filter.special_tokens", "filter.model_identity", "filter.toxicity"),
)
VIEWS = "the views, once for all"
PARTITION = 20_000
CORES = 2

Pairs = list[tuple[str, str]]


def chain(only: list[str]) -> tuple[list[RowStep], list[str]]:
    """The steps that exist, and the names of those that do not."""
    steps: list[RowStep] = []
    missing = []
    for name, settings in CHAIN:
        if only and name not in only:
            continue
        try:
            step = resolve("steps", name)
        except (TamisError, ImportError, LookupError):
            missing.append(name)
            continue
        steps.append(step.model_validate(settings))
    return steps, missing


def dropped_by(step: RowStep, frame: Frame) -> np.ndarray:
    """(n,) bool: the rows that a step drops."""
    out = np.zeros(frame.height, np.bool_)
    for clause in step.judge(frame).clauses:
        out |= clause.when.fill_null(False).to_numpy()
    return out


def as_stored(table: pl.DataFrame) -> pl.DataFrame:
    """The same rows as a stage reads them: columns made from Python values have a buffer for every string."""
    file = io.BytesIO()
    table.write_parquet(file)
    return pl.read_parquet(file.getvalue())


def print_speed(steps: list[RowStep], count: int) -> None:
    """A table of CPU time; every step runs once before it is measured."""
    cpu: Counter[str] = Counter()
    size = done = 0
    source = rows(count, seed=1)
    warm = as_stored(rows_frame(list(itertools.islice(rows(200, seed=2), 200))))
    for step in steps:
        step.judge(Frame.of(warm))
    while part := list(itertools.islice(source, PARTITION)):
        frame = Frame.of(as_stored(rows_frame(part)))
        started = time.process_time()
        for view in ("response", "prompt"):
            size += len(frame.buffers(view).data)
        cpu[VIEWS] += time.process_time() - started
        for step in steps:
            started = time.process_time()
            step.judge(frame)
            cpu[step.address()] += time.process_time() - started
        done += len(part)
    print(f"\n{done:,} rows, {size / done:.0f} bytes each\n\n| step | µs of CPU per row |\n|---|---|")
    for name, seconds in cpu.items():
        print(f"| {name} | {seconds / done * 1e6:.2f} |")
    for title, names in (
        ("all but those for answers from a source", set(cpu) - set(SPEED_ONLY)),
        ("the ten", {*TEN, VIEWS}),
    ):
        total = sum(cpu[name] for name in names)
        print(f"| {title} | {total / done * 1e6:.2f} |")
    print(f"\nThe ten on {CORES} cores: {CORES * done / total:,.0f} rows/s")


def read(path: Path) -> list[dict[str, str]]:
    """JSON or JSON Lines, gzipped or not."""
    text = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
    return (
        json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.split("\n") if line]
    )


def good_sets() -> dict[str, Pairs]:
    """Instruction sets that people use: (prompt, answer)."""
    root, sets = data_folder(), {}
    for name, file in (
        ("GPTeacher code", "gpteacher/codegen-instruct.json.gz"),
        ("GPTeacher role play", "gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz"),
        ("GPTeacher tools", "gpteacher/toolformer-dedupe-only-dataset.json.gz"),
        ("Alpaca, English", "llama-factory-demo/alpaca_en_demo.json.gz"),
        ("Alpaca, Chinese", "llama-factory-demo/alpaca_zh_demo.json.gz"),
        ("self-instruct, seeds", "self-instruct/seed_tasks.jsonl"),
        ("self-instruct, users", "self-instruct/user_oriented_instructions.jsonl"),
    ):
        if not (root / file).exists():
            continue
        pairs: Pairs = []
        for row in read(root / file):
            for one in row.get("instances") or [row]:
                answer = one.get("response") or one.get("output") or ""
                pairs.append((f"{row['instruction']}\n{one.get('input') or ''}".strip(), answer))
        sets[name] = pairs
    return sets


def print_kept(steps: list[RowStep]) -> None:
    """Which share of good rows each step drops, and what the chain keeps."""
    sets = good_sets()
    if not sets:
        print("\nNo real sets: TAMIS_DATA names no folder that has them.")
        return
    names = [step.address() for step in steps]
    print("\n| set | rows | " + " | ".join(name.split(".")[1] for name in names) + " | kept by all |")
    print("|---|---" + "|---" * len(names) + "|---|")
    kept = total = 0
    for title, pairs in sets.items():
        frame = Frame.of(rows_frame([{"prompt": prompt, "response": answer} for prompt, answer in pairs]))
        live = np.ones(len(pairs), np.bool_)
        cells = []
        for step in steps:
            out = dropped_by(step, frame) & live
            live &= ~out
            cells.append(str(int(out.sum())))
        kept, total = kept + int(live.sum()), total + len(pairs)
        print(f"| {title} | {len(pairs):,} | {' | '.join(cells)} | {live.mean():.2%} |")
    print(f"\nAll sets together: {kept:,} of {total:,} kept ({kept / total:.2%})")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", default="", help="steps, separated by commas")
    options = parser.parse_args()
    steps, missing = chain([name for name in options.only.split(",") if name])
    if missing:
        print(f"skipped, because they do not exist: {', '.join(missing)}")
    print_speed(steps, options.rows)
    print_kept([step for step in steps if step.address() not in SPEED_ONLY])


if __name__ == "__main__":
    main()
