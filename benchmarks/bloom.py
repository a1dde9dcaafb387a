"""dedup.bloom and dedup.substring: seconds, memory, and what they get right, on rows whose truth is known.

    python benchmarks/bloom.py [--rows 1000000] [--spliced] [--folder /tmp/tamis-bloom] [--only NAME]

Rows are sentences of words drawn at random, about 600 bytes; planted, of all rows: 3% copies with other case and
punctuation, 3% copies with one word in twenty changed, 5% with one of twenty passages of 35 to 80 words. A step's CPU
seconds are those of a run with it, less those of the same run without it, nothing to be read or mapped again.
--spliced: dedup.substring also on rows spliced from few real texts (rows.py), where all that is said was said before.
"""

from __future__ import annotations

import argparse
import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pipeline import run
from rows import write

RECIPE = """
tamis: 1
name: bench
sources:
  - use: files
    path: {data}
steps:
  - use: map.auto
{step}deliver:
  - use: parquet
    path: dist/bench
"""
WORDS = 100
PASSAGES = 20
STEPS: dict[str, dict[str, Any]] = {
    "bloom, whole rows": {"use": "dedup.bloom", "on": "response"},
    "bloom, whole rows, 4 bits a row": {"use": "dedup.bloom", "on": "response", "memory_mb": 0.0},
    "bloom, fuzzy 0.6 of word 5-grams": {"use": "dedup.bloom", "on": "response", "threshold": 0.6},
    "substring, cut": {"use": "dedup.substring", "keep": "none"},
    "substring, cut, from 2 rows on": {"use": "dedup.substring", "keep": "none", "min_count": 2, "where": "copy = 0"},
}


def made(path: Path, count: int) -> Path:
    """The rows, with `kind` (0 own, 1 copy, 2 edited copy, 3 with a passage) and `plain`, the text without it."""
    if path.exists():
        return path
    rng = np.random.default_rng(1)
    vocabulary = np.array([_word(k) for k in range(20_000)])
    draw = lambda n: vocabulary[(len(vocabulary) * rng.random(n) ** 3).astype(int)].tolist()  # noqa: E731
    passages = [_sentences(draw(int(rng.integers(35, 80)))) for _ in range(PASSAGES)]
    before: list[str] = []
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".part"), "w", encoding="utf-8") as file:
        for number in range(count):
            dice = rng.random()
            kind = 0 if number < 100 or dice > 0.11 else 1 if dice < 0.03 else 2 if dice < 0.06 else 3
            plain = text = _sentences(draw(WORDS))
            if kind in (1, 2):
                words = before[int(rng.integers(len(before)))].split(" ")
                if kind == 2:
                    for at in range(int(rng.integers(20)), len(words), 20):
                        words[at] = f"changed{number}"
                plain = text = " ".join(words).upper().replace(". ", " - ") if kind == 1 else " ".join(words)
            elif kind == 3:
                sentences = text.split(". ")
                at = int(rng.integers(1, len(sentences)))
                head, tail = ". ".join(sentences[:at]) + ".", ". ".join(sentences[at:])
                plain, text = f"{head} {tail}", f"{head} {passages[int(rng.integers(PASSAGES))]} {tail}"
            else:
                before.append(text)
            turns = [{"role": "user", "content": f"Say {number}"}, {"role": "assistant", "content": text}]
            row = {"messages": turns, "kind": kind, "copy": int(kind in (1, 2)), "plain": plain}
            file.write(json.dumps(row) + "\n")
    return path.with_suffix(".part").rename(path)


def _word(number: int) -> str:
    """A word that can be said."""
    word = ""
    while True:
        number, a = divmod(number, 18)
        number, b = divmod(number, 5)
        word += "bdfghjklmnprstvwyz"[a] + "aeiou"[b]
        if number == 0:
            return word


def _sentences(words: list[str]) -> str:
    """The words in sentences of eleven."""
    parts = [" ".join(words[k : k + 11]).capitalize() for k in range(0, len(words), 11)]
    return ". ".join(parts) + "."


def truth(name: str, told: dict[str, Any], data: Path) -> str:
    """What the step got right; asked in a process of its own, whose memory no later run inherits."""
    left = pl.read_parquet([item["path"] for item in told["delivered"]])
    answers = left["messages"].list.get(1).struct.field("content")
    kinds = left["kind"]
    every = pl.read_ndjson(data)["kind"]
    if name.startswith("bloom"):
        share = {k: 1 - int((kinds == k).sum()) / max(1, int((every == k).sum())) for k in range(4)}
        warned = told["warnings"][0].split(": ", 1)[1].split("; ")
        lost = int((every == 0).sum() + (every == 3).sum() - (kinds == 0).sum() - (kinds == 3).sum())
        return f"copies dropped {share[1]:.2%}, edited {share[2]:.2%}; own rows lost {lost}; told: {warned[0]}; {warned[1]}"
    planted = left.filter(pl.col("kind") == 3)
    mended = int((answers.filter(kinds == 3) == planted["plain"]).sum())
    others = int((answers.filter(kinds == 0) != left.filter(pl.col("kind") == 0)["plain"]).sum())
    return f"passages cut to the letter in {mended:,} of {planted.height:,} rows; other own rows changed {others}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/tamis-bloom"))
    parser.add_argument("--spliced", action="store_true")
    parser.add_argument("--only", help="only steps whose name begins so")
    options = parser.parse_args()
    sets = {"known": made(options.folder / f"known-{options.rows}.jsonl", options.rows)}
    if options.spliced:
        sets["spliced"] = write(options.folder / f"spliced-{options.rows}.jsonl", options.rows)
    print(f"{options.rows:,} rows, {sets['known'].stat().st_size / 2e6:,.0f} MB of text\n")
    print("| step | CPU s | rows / CPU s | peak MB of the run | what it got right |\n|---|---:|---:|---:|---|")
    for kind, data in sets.items():
        work = options.folder / kind
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        plain = RECIPE.format(data=data, step="")
        run(work, plain)
        base = run(work, plain)
        print(f"| (the run without it, {kind} rows, cached) | {base['cpu']:.1f} | | {base['peak_mb']:,.0f} | |")
        for name, step in STEPS.items():
            if (kind == "spliced" and "substring" not in name) or not name.startswith(options.only or ""):
                continue
            settings = {k: (options.rows / 2e6 if k == "memory_mb" else v) for k, v in step.items()}
            if kind == "spliced":
                settings.pop("where", None)
            lines = [f"{'  - ' if k == 'use' else '    '}{k}: {json.dumps(v)}\n" for k, v in settings.items()]
            told = run(work, RECIPE.format(data=data, step="".join(lines)))
            cpu = max(0.01, told["cpu"] - base["cpu"])
            right = f"{told['outcomes']['kept']:,} rows kept"
            if kind == "known":
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
                    right = other.submit(truth, name, told, data).result()
            print(f"| {name}, {kind} rows | {cpu:.1f} | {options.rows / cpu:,.0f} | {told['peak_mb']:,.0f} | {right} |")


if __name__ == "__main__":
    main()
