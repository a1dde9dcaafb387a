"""The whole recipe on real-like rows: rows/s, memory, what a second run costs; beside the floors of this machine.

    python benchmarks/pipeline.py [--rows 1000000] [--recipe short|whole] [--folder /tmp/tamis-bench] [--json]

`short` reads, repairs, filters, takes out exact copies, splits and delivers. `whole` has in it every filter that good
instruction rows pass, three test sets (where the data folder is there), near copies, and personal data replaced by tags.

Each run is a process of its own (`tamis run`), timed from start to exit; memory is the largest resident set of
its process tree. Floors are measured in the same call: reading, hashing and writing the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import xxhash
from rows import data_folder, rows, write

RECIPE = """
tamis: 1
name: bench
sources:
  - use: files
    path: {data}
steps:
  - use: map.auto
  - use: clean.unicode
  - use: clean.whitespace
  - use: filter.length
    min: 2
  - use: filter.refusal
  - use: filter.repetition
  - use: filter.roles
  - use: filter.language
    keep: [en]
  - use: dedup.exact
  - use: split.stratified
    by: category
    shares: {shares}
deliver:
  - use: openai_chat
    path: dist/bench
"""


FILTERS = ("noise", "injection", "newsletter", "markup", "truncated", "special_tokens", "model_identity", "toxicity")
TESTS = ("gsm8k_test.jsonl*", "*umaneval*", "*HumanEval*", "bbh*")


def whole() -> str:
    """The recipe with all of it."""
    tests = sorted({path for pattern in TESTS for path in (data_folder() / "benchmarks").glob(pattern)})
    steps = "".join(f"  - use: filter.{name}\n" for name in FILTERS)
    if tests:
        steps += "  - use: decontaminate.ngram\n    against:\n" + "".join(f"      - {path}\n" for path in tests)
    late = "  - use: dedup.minhash\n  - use: privacy.anonymize\n    without: [id, category]\n"
    recipe = RECIPE.replace("  - use: dedup.exact\n", steps + "  - use: dedup.exact\n" + late)
    return recipe.replace("    shares: {shares}\n", "    shares: {shares}\n    near: 0.65\n")


def run(folder: Path, recipe: str, *words: str) -> dict[str, Any]:
    """One run: its answer, with `wall` seconds and `peak_mb`."""
    (folder / "recipe.yaml").write_text(recipe)
    command = [
        sys.executable,
        "-m",
        "tamis",
        "run",
        str(folder / "recipe.yaml"),
        "--json",
        "--progress",
        "none",
        *words,
    ]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        raise SystemExit(f"the run failed: {status}")
    told: dict[str, Any] = json.loads(out)
    cpu = usage.ru_utime + usage.ru_stime
    return {**told, "wall": wall, "cpu": cpu, "peak_mb": usage.ru_maxrss / 1000}


def digest(folder: Path) -> str:
    """The hash of all that was delivered."""
    whole = hashlib.sha256()
    for path in sorted((folder / "dist/bench").glob("*.jsonl")):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def floors(data: Path, folder: Path) -> dict[str, float]:
    """Seconds to read, hash and write the same bytes, on one core."""
    found = {}
    started = time.perf_counter()
    content = data.read_bytes()
    found["read"] = time.perf_counter() - started
    for name, hasher in (("xxh3", xxhash.xxh3_128), ("sha256", hashlib.sha256)):
        started = time.perf_counter()
        hasher(content).hexdigest()
        found[name] = time.perf_counter() - started
    started = time.perf_counter()
    with open(folder / "floor", "wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    found["write + fsync"] = time.perf_counter() - started
    (folder / "floor").unlink()
    started = time.perf_counter()
    for line in content[: 50 << 20].split(b"\n")[:-1]:
        json.loads(line)
    found["json.loads, all of it"] = (time.perf_counter() - started) * len(content) / (50 << 20)
    return found


def measure(count: int, root: Path, template: str) -> dict[str, Any]:
    """Every figure for `count` rows."""
    folder = root / f"rows-{count}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    data = write(root / f"rows-{count}.jsonl", count)
    (folder / "data/a.jsonl").hardlink_to(data)
    shares = "{train: 0.9, validation: 0.1}"
    recipe = template.format(data="data/*.jsonl", shares=shares)
    run(folder, recipe.replace("data/*.jsonl", "small.jsonl")) if write(
        folder / "small.jsonl", 500
    ) else None  # warm the compiled kernels
    shutil.rmtree(folder / ".tamis")
    shutil.rmtree(folder / "dist")
    found: dict[str, Any] = {"rows": count, "mb": data.stat().st_size / 1e6, "floors": floors(data, folder)}
    found["full"] = run(folder, recipe)
    first = digest(folder)
    found["again"] = run(folder, recipe)
    found["again"]["same_bytes"] = digest(folder) == first
    found["last step changed"] = run(
        folder, template.format(data="data/*.jsonl", shares="{train: 0.8, validation: 0.2}")
    )
    with open(folder / "data/b.jsonl", "w", encoding="utf-8") as file:
        for row in rows(count // 100, seed=77):
            file.write(json.dumps({**row, "id": f"more-{row['id']}"}, ensure_ascii=False) + "\n")
    found["1% more rows"] = run(folder, recipe)
    grown = digest(folder)
    shutil.rmtree(folder / ".tamis")
    found["1% more rows, from scratch"] = run(folder, recipe)
    found["1% more rows"]["same_bytes"] = digest(folder) == grown
    return found


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        f"{found['rows']:,} rows, {found['mb']:.0f} MB.",
        "",
        "| run | wall s | CPU s | rows/s | peak MB | read s | steps s | deliver s | same bytes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        if isinstance(one, dict) and "wall" in one:
            s, rate = one["seconds"], one["outcomes"]["in"] / one["wall"]
            lines.append(
                f"| {name} | {one['wall']:.1f} | {one['cpu']:.1f} | {rate:,.0f} | {one['peak_mb']:.0f} | {s['read']:.2f} | {s['steps']:.2f} | {s['deliver']:.2f} | {one.get('same_bytes', '')} |"
            )
    lines += [
        "",
        "| floor, one core | s |",
        "|---|---|",
        *(f"| {name} | {seconds:.2f} |" for name, seconds in found["floors"].items()),
    ]
    lines += [
        "",
        "| stage | s |",
        "|---|---|",
        *(
            f"| {name} | {seconds:.2f} |"
            for name, seconds in found["full"]["seconds"].items()
            if name.startswith("stage")
        ),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--recipe", choices=["short", "whole"], default="short")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/tamis-bench"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.folder = options.folder.resolve()
    options.folder.mkdir(parents=True, exist_ok=True)
    measured = measure(options.rows, options.folder, RECIPE if options.recipe == "short" else whole())
    print(json.dumps(measured, indent=1) if options.json else table(measured))
