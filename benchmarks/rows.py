"""Real-like rows for measurements: chat rows spliced from real texts, with the dirt that real files hold.

    python benchmarks/rows.py OUT.jsonl --rows 1000000 [--seed 1]

Texts come from the data folder (TAMIS_DATA, by default ../shared/data) where it is there, else from the
project's own demo inquiries. About 620 bytes a row, 600 bytes of text; deterministic. Planted, of all rows: 8% copies (exact, case,
white space), 1% refusals, 0.7% loops, 0.5% empty answers, 2% other languages, 0.4% mojibake (gpteacher has 0.36%), 6% untidy white space.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
CATEGORIES = [f"topic_{k:02d}" for k in range(40)]
REFUSALS = [
    "I'm sorry, but I can't help with that request.",
    "As an AI language model, I cannot provide assistance with this. If you have another question, please ask.",
    "I cannot fulfill this request. It would not be appropriate for me to do so.",
]


def data_folder() -> Path:
    """The folder of real data sets."""
    return Path(os.environ.get("TAMIS_DATA", HERE.parent.parent / "shared" / "data"))


def real_pairs() -> list[tuple[str, str]]:
    """(prompt, response) pairs to splice from."""
    root, pairs = data_folder(), []
    for name in (
        "gpteacher/codegen-instruct.json.gz",
        "gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz",
        "llama-factory-demo/alpaca_en_demo.json.gz",
    ):
        path = root / name
        if path.exists():
            with gzip.open(path, "rt", encoding="utf-8") as file:
                for row in json.load(file):
                    prompt = f"{row['instruction']}\n{row.get('input', '')}".strip()
                    pairs.append((prompt, row.get("response") or row.get("output") or ""))
    if not pairs:
        with open(HERE.parent / "recipes/customer-intents/inquiries.csv", encoding="utf-8", newline="") as file:
            pairs = [
                (row["inquiry"], f"Thank you. This is about {row['category']}: {row['sub_category']}.")
                for row in csv.DictReader(file)
                if row["inquiry"].strip()
            ]
    return pairs


def other_languages() -> list[str]:
    """Paragraphs that are not English."""
    path = data_folder() / "llama-factory-demo/alpaca_zh_demo.json.gz"
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return [row["output"][:600] for row in json.load(file) if len(row["output"]) > 80]
    return ["Guten Tag, mein Paket ist leider noch nicht angekommen und ich warte schon seit zwei Wochen darauf."]


def rows(count: int, seed: int) -> Iterator[dict[str, object]]:
    """The rows, one dict each."""
    rng = random.Random(seed)
    pairs = real_pairs()
    foreign = other_languages()
    sentences = [s for _, response in pairs for s in response.split(". ") if 20 < len(s) < 400]
    recent: list[tuple[str, str]] = []
    for number in range(count):
        dice = rng.random()
        if dice < 0.08 and recent:
            prompt, response = rng.choice(recent)
            way = rng.randrange(3)
            if way == 1:
                prompt, response = prompt.upper(), response.upper()
            elif way == 2:
                prompt, response = f" {prompt} ", response.replace(" ", "  ")
        else:
            prompt = rng.choice(pairs)[0][:500]
            picked = [rng.choice(sentences) for _ in range(rng.randrange(1, 4))]
            response = ". ".join(picked)
            prompt = f"{prompt} ({rng.choice(sentences)[:80]})"
            if dice < 0.09:
                response = rng.choice(REFUSALS)
            elif dice < 0.097:
                response = f"{picked[0][:60]} " * 30
            elif dice < 0.102:
                response = rng.choice(["", " ", "\n"])
            elif dice < 0.122:
                response = rng.choice(foreign)
            elif dice < 0.126:
                response += " Itâ€™s the cafÃ©â€™s menu."
            elif dice < 0.19:
                response = response.replace(". ", ".   \n\n\n ")
            recent.append((prompt, response))
            if len(recent) > 5000:
                recent[rng.randrange(5000)] = recent.pop()
        yield {
            "id": f"row-{number:08d}",
            "category": CATEGORIES[min(int(rng.expovariate(0.1)), 39)],
            "messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}],
        }


def write(path: Path, count: int, seed: int = 1) -> Path:
    """Write the rows as JSON Lines unless the file is there already."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        with open(temporary, "w", encoding="utf-8") as file:
            for row in rows(count, seed):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        temporary.replace(path)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    made = write(options.out, options.rows, options.seed)
    print(f"{made}: {made.stat().st_size / 1e6:.0f} MB")
