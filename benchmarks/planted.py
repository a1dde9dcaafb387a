"""Instruction rows with planted near copies, and the truth about each: for measurements of what finds them.

    python benchmarks/planted.py OUT.jsonl --rows 200000 [--copies 0.35] [--seed 1]

Rows are put together from real instruction data (TAMIS_DATA, by default ../shared/data): the prompt of one row, and two to
four passages of the answers of others, each used again only after all others were, so that rows are distinct. Of all rows
`copies` are copies of another row, in a kind each: exact, case, whitespace, punctuation, or 1, 5 or 10 % of the words edited
(at least one in the prompt and in the response). OUT.jsonl.truth.parquet holds for each line `original` (the line it is a
copy of, -1 for none) and `kind`. Deterministic.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from rows import data_folder, real_pairs

KINDS = ("exact", "case", "whitespace", "punctuation", "edit_1", "edit_5", "edit_10")
SHARES = {"edit_1": 0.01, "edit_5": 0.05, "edit_10": 0.10}


def passages() -> tuple[list[str], list[str]]:
    """(prompts, passages of answers) of real data, distinct."""
    pairs = list(real_pairs())
    root = data_folder()
    for name in ("self-instruct/user_oriented_instructions.jsonl", "self-instruct/seed_tasks.jsonl"):
        path = root / name
        if path.exists():
            for line in path.read_text(encoding="utf-8").split("\n"):
                if line.strip():
                    row = json.loads(line)
                    for one in row["instances"]:
                        pairs.append((f"{row['instruction']}\n{one['input']}".strip(), one["output"]))
    prompts = list(dict.fromkeys(prompt[:600] for prompt, _ in pairs if len(prompt) > 15))
    texts: dict[str, None] = {}
    for _, answer in pairs:
        for part in re.split(r"(?<=[.!?])\s+|\n\n", answer):
            if 40 < len(part) < 600:
                texts[part] = None
    return prompts, list(texts)


class Shuffled:
    """Endlessly many of a list, each once in every round."""

    def __init__(self, items: list[str], rng: random.Random) -> None:
        self._items, self._rng, self._at = list(items), rng, len(items)

    def __next__(self) -> str:
        if self._at == len(self._items):
            self._rng.shuffle(self._items)
            self._at = 0
        self._at += 1
        return self._items[self._at - 1]


def original(prompts: Shuffled, texts: Shuffled, rng: random.Random) -> tuple[str, str]:
    """A row that is no copy."""
    first, second = next(texts), next(prompts)
    prompt = f"{second}\n{first[:160]}" if rng.random() < 0.5 else f"{first[:160]} {second}"
    answer = " ".join(next(texts) for _ in range(rng.randrange(2, 5)))
    return prompt, answer


def copied(row: tuple[str, str], kind: str, rng: random.Random, words: list[str]) -> tuple[str, str]:
    """A copy of a row, of a kind."""
    return _copy(row[0], kind, rng, words), _copy(row[1], kind, rng, words)


def _copy(text: str, kind: str, rng: random.Random, words: list[str]) -> str:
    if kind == "case":
        return rng.choice((str.upper, str.lower, str.title))(text)
    if kind == "whitespace":
        return re.sub(r"\s+", lambda _: rng.choice(("  ", "\n", " \t", " ")), text) + rng.choice(("", " ", "\n\n"))
    if kind == "punctuation":
        return re.sub(r"[.,;:!?](?=\s|$)", lambda _: rng.choice(("", ".", "!", ";", "...", " ,")), text) + rng.choice(
            "!."
        )
    if kind not in SHARES:
        return text
    parts = text.split(" ")
    for place in rng.sample(range(len(parts)), min(len(parts), max(1, round(SHARES[kind] * len(parts))))):
        way = rng.randrange(3)
        parts[place] = rng.choice(words) if way == 0 else "" if way == 1 else f"{parts[place]} {rng.choice(words)}"
    return " ".join(parts)


def planted(count: int, share: float = 0.35, seed: int = 1) -> Iterator[tuple[str, str, int, str]]:
    """(prompt, response, the place of the row it is a copy of or -1, kind), in an order without order."""
    rng = random.Random(seed)
    heads, bodies = passages()
    prompts, texts = Shuffled(heads, rng), Shuffled(bodies, rng)
    words = sorted({w for text in bodies[:2000] for w in text.split() if w.isalpha()})
    recent: list[tuple[int, tuple[str, str]]] = []
    for number in range(count):
        if recent and rng.random() < share:
            source, row = recent[rng.randrange(len(recent))]
            kind = KINDS[rng.randrange(len(KINDS))]
            yield (*copied(row, kind, rng, words), source, kind)
            continue
        row = original(prompts, texts, rng)
        yield (*row, -1, "")
        if len(recent) < 50_000:
            recent.append((number, row))
        else:
            recent[rng.randrange(len(recent))] = number, row


def write(path: Path, count: int, share: float = 0.35, seed: int = 1) -> Path:
    """Write rows and truth unless they are there already."""
    truth = path.with_name(path.name + ".truth.parquet")
    if not (path.exists() and truth.exists()):
        path.parent.mkdir(parents=True, exist_ok=True)
        origin, kinds = np.full(count, -1, np.int64), []
        with open(path, "w", encoding="utf-8") as file:
            for number, (prompt, response, source, kind) in enumerate(planted(count, share, seed)):
                row = {"id": f"row-{number:08d}", "prompt": prompt, "completion": response}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                origin[number] = source
                kinds.append(kind)
        pl.DataFrame({"original": origin, "kind": kinds}).write_parquet(truth)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--copies", type=float, default=0.35)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    made = write(options.out, options.rows, options.copies, options.seed)
    print(f"{made}: {made.stat().st_size / 1e6:.0f} MB")
