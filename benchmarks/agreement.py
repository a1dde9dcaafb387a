"""Agreement on recorded judgements of people and models, times of the statistics, and how often noise is called a bad group.

    python benchmarks/agreement.py [--data FOLDER] [--noise 200] [--no-times]

Reads judge-pandalm, judge-llmbar and refusals-xstest; prints Markdown. About half a minute on one core.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tamis.engine.agreement.bootstrap import Estimate
from tamis.engine.agreement.labels import classify
from tamis.engine.agreement.overlap import text_overlap
from tamis.engine.agreement.raters import agreement
from tamis.engine.agreement.reading import read_agreement
from tamis.engine.agreement.slices import find_slices


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")


def told(one: Estimate | None, digits: int = 3) -> str:
    if one is None or one.value is None:
        return "–"
    span = "" if one.low is None else f" ({one.low:.{digits}f} to {one.high:.{digits}f})"
    return f"{one.value:.{digits}f}{span}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def pair(a: Sequence[Any], b: Sequence[Any]) -> list[str]:
    """Equal labels, kappa, alpha, AC1, macro F1 of b against a."""
    both = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    first, second = [x for x, _ in both], [y for _, y in both]
    one, more = classify(first, second), agreement([first, second])
    m = one.metrics
    return [
        str(len(both)),
        told(m["accuracy"]),
        told(m["kappa"]),
        told(more["alpha"]),
        told(more["ac1"]),
        told(m["f1_macro"]),
    ]


HEAD = ["who against whom", "rows", "equal", "Cohen's kappa", "alpha", "AC1", "macro F1"]


def pandalm(data: Path) -> None:
    print("## PandaLM's test set: three people, 999 pairs (0 tie, 1, 2)\n")
    rows = json.loads(text_of(data / "judge-pandalm/testset-v1.json.gz"))
    people = [[row[f"annotator{k}"] for row in rows] for k in (1, 2, 3)]
    whole = agreement(people)
    table(["figure", "three people"], [[name, told(one)] for name, one in whole.items()])
    lines = [[f"person {i + 1} / person {j + 1}", *pair(people[i], people[j])] for i, j in ((0, 1), (0, 2), (1, 2))]
    major = [most(each) for each in zip(*people, strict=True)]
    for file, key in (("gpt-3.5-turbo", "gpt_result"), ("pandalm-7b", "pandalm_result")):
        judged = {
            row["idx"]: row[key] for row in json.loads(text_of(data / f"judge-pandalm/{file}-testset-v1.json.gz"))
        }
        said = [as_int(judged.get(row["idx"])) for row in rows]
        lines.append([f"majority / {file}", *pair(major, said)])
    table(HEAD, lines)
    print(f"{sum(one is None for one in major)} rows have no majority and are left out below the line of people.\n")


def most(votes: Sequence[Any]) -> Any:
    value, times = Counter(votes).most_common(1)[0]
    return value if times > 1 else None


def as_int(value: Any) -> int | None:
    known = {"0": 0, "1": 1, "2": 2, "Tie": 0}
    return known.get(str(value))


def llmbar(data: Path) -> None:
    print("## LLMBar, natural set: recorded judges against the label of its authors, both orders\n")
    lines = []
    for file in sorted((data / "judge-llmbar").glob("natural_judge_*")):
        rows = json.loads(text_of(file))
        name = file.name.removeprefix("natural_judge_").split(".json")[0]
        orders = [[winner(row["results"], order) for row in rows] for order in ("swap = False", "swap = True")]
        for word, said in zip(("as they stand", "swapped"), orders, strict=True):
            lines.append([f"label / {name}, {word}", *pair([row["label"] for row in rows], said)])
        lines.append([f"{name}: as they stand / swapped", *pair(*orders)])
    table(HEAD, lines)


def winner(results: Any, order: str) -> int | None:
    """The answer a recorded judge preferred, by the set's own numbering."""
    value = results[0][order]["winner"]
    return int(value) if str(value) in ("1", "2") else None


KNOWN = ("1_full_compliance", "2_full_refusal", "3_partial_refusal")


def xstest(data: Path) -> None:
    print("## XSTest: two people on 450 completions each (full compliance, full refusal, partial refusal)\n")
    lines, notes = [], []
    for file in sorted((data / "refusals-xstest").glob("*_completions_*.csv.gz")):
        rows = list(csv.DictReader(io.StringIO(text_of(file))))
        model = file.name.split("completions_")[1].split(".")[0]
        a, b = [row["annotation_1"] for row in rows], [row["annotation_2"] for row in rows]
        lines.append([f"{model}: person 1 / person 2", *pair(a, b)])
        other = "gpt4_label" if "gpt4_label" in rows[0] else "strmatch_label"
        final = [row["final_label"] or None for row in rows]
        said = [row[other] if row[other] in KNOWN else None for row in rows]
        silent = sum(one is None for one in said)
        notes += (
            [f"{model}: {silent} of {len(rows)} replies of {other} are no label; they are left out of the table"]
            if silent
            else []
        )
        lines.append([f"{model}: final / {other}", *pair(final, said)])
        both = [(x, y) for x, y in zip(final, said, strict=True) if x is not None and y is not None]
        first, second = [x for x, _ in both], [y for _, y in both]
        one, found = classify(first, second), agreement([first, second])
        shares = [(name, n / (2 * len(both))) for name, n in Counter([*first, *second]).items()]
        said_of_it = read_agreement(
            found["agreement"].value, one.metrics["kappa"], found["ac1"], shares, rows=len(both)
        )
        notes += [f"{model}, final / {other}: {line}" for line in said_of_it]
        columns = pl.DataFrame({"type": [row["type"] for row in rows], "length of prompt": [len(row["prompt"]) for row in rows], "length of completion": [len(row["completion"]) for row in rows]})  # fmt: skip
        worst = find_slices(columns, [x != y for x, y in zip(final, said, strict=True)])
        notes += [f"{model}, {other}, worst: {one.name}: {one.errors} of {one.rows} wrong ({one.low:.0%} to {one.high:.0%}), {100 * one.difference:+.0f} points to the rest" for one in worst.slices[:3]]  # fmt: skip
    table(HEAD, lines)
    print("\n".join(f"- {line}" for line in notes) + "\n")


def noise(n: int, columns: int, random: np.random.Generator) -> pl.DataFrame:
    makers: list[Callable[[], list[Any]]] = [
        lambda: random.choice(list("abcdefgh"), n).tolist(),
        lambda: random.normal(size=n).tolist(),
        lambda: (random.random(n) < 0.3).tolist(),
        lambda: np.minimum(random.geometric(0.4, n), 9).tolist(),
        lambda: ["x" * int(size) for size in random.integers(1, 300, n)],
    ]
    return pl.DataFrame({f"c{c}": makers[c % len(makers)]() for c in range(columns)})


def slices(sets: int) -> None:
    print("## Groups with bad labels\n")
    random = np.random.default_rng(7)
    silent = sum(not find_slices(noise(501, 12, random), random.random(501) < 0.15).slices for _ in range(sets))
    print(
        f"Noise: {sets - silent} of {sets} sets (501 rows, 12 columns, 15% wrong) have any group told; stated: at most 5%.\n"
    )
    lines = []
    for bad in (0.25, 0.3, 0.4, 0.5, 0.6):
        hits = alone = 0
        for _ in range(50):
            frame = noise(501, 12, random)
            inside = (frame["c0"] == "b").to_numpy()
            found = find_slices(frame, random.random(501) < np.where(inside, bad, 0.1)).slices
            hits += any(("c0", "b") in one.where for one in found)
            alone += [one.name for one in found] == ["c0 = b"]
        lines.append([f"{bad:.0%} against 10%", f"{hits} of 50", f"{alone} of 50"])
    table(["planted in an eighth of 501 rows", "found", "found alone, and as it was planted"], lines)


def times() -> None:
    print("## Times (CPU seconds)\n")
    random = np.random.default_rng(3)
    gold, said = random.integers(0, 5, 501).tolist(), random.integers(0, 5, 501).tolist()
    many, more = random.integers(0, 77, 501).tolist(), random.integers(0, 77, 501).tolist()
    small, large = noise(501, 30, random), noise(50_000, 30, random)
    bad_small, bad_large = random.random(501) < 0.15, random.random(50_000) < 0.15
    texts = [" ".join(random.choice(["a", "b", "c", "d", "e"], 40)) for _ in range(501)]
    work: list[tuple[str, Callable[[], Any]]] = [
        ("all figures of 5 labels, 501 rows, 2,000 resamples, BCa", lambda: classify(gold, said, ordered=True)),
        ("all figures of 77 labels, by label too", lambda: classify(many, more)),
        ("alpha (ordinal), Fleiss, AC1, AC2 of 4 raters", lambda: agreement([gold, said, said, gold], scale="ordinal")),
        ("BLEU and ROUGE of 501 texts of 40 words", lambda: text_overlap(texts, texts[::-1])),
        ("groups, 501 rows x 30 columns, pairs", lambda: find_slices(small, bad_small)),
        ("groups, 50,000 rows x 30 columns, pairs", lambda: find_slices(large, bad_large)),
    ]
    lines = []
    for name, do in work:
        do()
        spent = []
        for _ in range(3):
            start = time.process_time()
            do()
            spent.append(time.process_time() - start)
        lines.append([name, f"{min(spent):.3f}"])
    table(["what", "CPU s (best of 3)"], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TAMIS_DATA", "../shared/data")))
    parser.add_argument("--noise", type=int, default=200, help="sets of noise")
    parser.add_argument("--no-times", action="store_true")
    given = parser.parse_args()
    if given.data.is_dir():
        for part in (pandalm, llmbar, xstest):
            part(given.data)
    else:
        print(f"(no data at {given.data})\n")
    slices(given.noise)
    if not given.no_times:
        times()


if __name__ == "__main__":
    main()
