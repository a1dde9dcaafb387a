"""What `generate.*` makes with the local model, and what the novelty check costs. Prints Markdown.

    python benchmarks/generate.py [local] [novelty]

local: six questions are expanded, evolved and answered, and one Markdown page becomes pairs, by local/smollm2: no
figure for what larger models do, but every step, every loss and their counts. novelty: CPU seconds of the exact greedy
ROUGE-L check over made-up requests, and its decisions against the definition on some of them.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

SEEDS = (
    "Explain how rain forms.", "Write a limerick about a cat.", "Give three tips for a job interview.",
    "How do I boil an egg?", "Why do leaves fall in autumn?", "How can I save money on food?",
)  # fmt: skip
PAGE = """# The old mill

The mill at Ham was built in 1782 by Anna Berg. It stands on the river Lore and has two wheels. In 1849 it burned down and
was built again in stone.

## Today

The mill is a museum since 1976. It is open from May to October, on Saturdays and Sundays. Children under six pay nothing.
"""
RECIPE = """
tamis: 1
name: trial
models:
  generator: {model: local/smollm2, terms: Apache-2.0, trains: true}
sources:
  - use: files
    path: seeds.jsonl
    map: [{use: map.messages}]
  - use: documents
    path: page.md
steps:
  - {use: generate.expand, count: 2, max_tokens: 120, where: "messages is not null"}
  - {use: generate.evolve, max_tokens: 120, where: "messages is not null"}
  - {use: generate.from_documents, count: 2, judge: null, max_tokens: 200}
  - {use: generate.respond, max_tokens: 120}
deliver:
  - {use: jsonl, path: out}
"""


def local() -> None:
    """The steps by the local model."""
    from tamis.recipe.load import parse
    from tamis.runner.execute import Options, execute

    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        lines = [json.dumps({"messages": [{"role": "user", "content": seed}]}) + "\n" for seed in SEEDS]
        (root / "seeds.jsonl").write_text("".join(lines), encoding="utf-8")
        (root / "page.md").write_text(PAGE, encoding="utf-8")
        recipe = parse(RECIPE)
        started = time.perf_counter()
        result = execute(recipe, root, Options(base=root))
        first = time.perf_counter() - started
        started = time.perf_counter()
        execute(recipe, root, Options(base=root))
        print(f"\n{first:.0f} s; again, with all replies known: {time.perf_counter() - started:.1f} s\n")
        print(
            "| step | in | born | kept | merged | dropped | what became of the rest |\n|---|---:|---:|---:|---:|---:|---|"
        )
        for one in result.manifest["steps"]:
            if one["name"].startswith("generate"):
                lost = _lost(result.folder, one["name"])
                told = " | ".join(str(one[key]) for key in ("in", "born", "kept", "merged", "dropped"))
                print(f"| {one['name']} | {told} | {lost} |")
        rows = [json.loads(line) for line in (root / "out/data.jsonl").read_text(encoding="utf-8").splitlines()]
        made = [row for row in rows if row.get("prompt")]
        print(f"\n{len(rows)} rows delivered, {len(made)} of them born. Some of these:\n")
        for row in made[:8]:
            print(f"- {row['messages'][0]['content'][:150]!r}")


def _lost(folder: Path, step: str) -> str:
    """What the evidence on parents counts, summed."""
    import polars as pl

    found: dict[str, int] = {}
    for path in sorted((folder / "ledger").rglob("*.parquet")):
        frame = pl.read_parquet(path)
        if "step" in frame.columns:
            frame = frame.filter(pl.col("step") == step)
        for column in frame.columns if step in path.as_posix() or "step" in frame.columns else ():
            if column.startswith("evidence.") and frame[column].dtype.is_integer():
                name = column.removeprefix("evidence.")
                found[name] = found.get(name, 0) + int(frame[column].sum() or 0)
    return ", ".join(f"{name} {count}" for name, count in found.items() if count) or "–"


def novelty() -> None:
    """CPU seconds of the check."""
    from tamis.engine.novelty import Seen

    words = [f"w{k}" for k in range(5000)]
    draw = random.Random(7)
    print("\n| requests | of them like one before | CPU seconds | a request |\n|---:|---:|---:|---:|")
    Seen().take("compiled")
    for count in (1_000, 5_000, 20_000):
        texts = [
            " ".join(words[int(len(words) * draw.random() ** 3)] for _ in range(draw.randint(6, 22)))
            for _ in range(count)
        ]
        for k in range(0, count, 10):  # a tenth are another with a word changed
            some = texts[draw.randrange(max(1, k))].split()
            some[draw.randrange(len(some))] = "other"
            texts[k] = " ".join(some)
        seen, started = Seen(0.7), time.process_time()
        like = sum(seen.take(text) is not None for text in texts)
        seconds = time.process_time() - started
        print(f"| {count:,} | {like:,} | {seconds:.2f} | {seconds / count * 1e6:.0f} µs |")


if __name__ == "__main__":
    for what in sys.argv[1:] or ("novelty", "local"):
        {"local": local, "novelty": novelty}[what]()
