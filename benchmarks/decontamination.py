"""Contamination: what is found, what is taken for it, and how fast, beside the hash set everybody writes.

    TAMIS_DATA=../shared/data python benchmarks/decontamination.py [--rows 100000] [--only found|edited|false|speed]

Prints Markdown tables. *Found*: every test item planted verbatim, re-wrapped, in capitals, behind a prefix, split over two
turns (with an answer of the model between them). *Edited*: 1, 5 and 10 % of the words replaced, left out or put in.
*False*: GSM8K's training questions and unrelated instructions; with --show each row that was taken for a leak is printed.
*Speed*: rows a second of processor time, the making of the view included, on one thread; two cores do twice as much.
"""

import argparse
import gzip
import io
import json
import os
import random
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from tamis.core.events import Event, StageDone, StepDone
from tamis.engine.frame import Frame
from tamis.engine.testsets import read_items
from tamis.recipe.load import load
from tamis.runner.execute import Options, execute
from tamis.steps.decontaminate.exact import Exact
from tamis.steps.decontaminate.ngram import Ngram
from tamis.testing import rows_frame

DATA = Path(os.environ.get("TAMIS_DATA", "../shared/data"))
TESTS = DATA / "benchmarks"
THREE = ("gsm8k_test.jsonl.gz", "humaneval.jsonl.gz", "bbh.jsonl.gz")
SETS = (
    *THREE, "mmlu_abstract_algebra_test.csv", "mmlu_high_school_us_history_test.csv.gz", "mmlu_sociology_test.csv",
    "mmlu_sample.jsonl", "arc_challenge.jsonl.gz", "arc_easy.jsonl.gz", "truthfulqa.csv.gz", "mbpp.jsonl.gz", "math.jsonl.gz",
    "alpaca_eval_instructions_text_davinci_003.json.gz", "mt_bench_question.jsonl", "triviaqa_sm_sub.jsonl.gz", "boolq.jsonl.gz",
    "wizardlm_testset.jsonl", "svamp.jsonl", "logi_qa.jsonl.gz", "openbook_qa.jsonl",
)  # fmt: skip
UNRELATED = (
    ("gpteacher", "*.json*"), ("self-instruct", "*.json*"), ("llama-factory-demo", "alpaca_en_demo*"),
    ("arena-answers", "*.json*"), ("refusals-xstest", "*.csv*"),
)  # fmt: skip
EDITED = 420  # items of a test set that each edit is tried on
Row = dict[str, Any]


class HashSet:
    """The usual forty lines: any n-gram of lower-cased words shared with any test item."""

    def __init__(self, texts: list[str], n: int) -> None:
        self.n = n
        self.grams = {gram for text in texts for gram in self._grams(text)}

    def _grams(self, text: str) -> Iterator[tuple[str, ...]]:
        words = re.findall(r"\w+", text.lower())
        return zip(*(words[k:] for k in range(self.n)), strict=False)

    def judge(self, rows: list[Row]) -> list[bool]:
        return [
            any(gram in self.grams for gram in self._grams("\n".join(m["content"] for m in row["messages"])))
            for row in rows
        ]


def judged(step: Ngram | Exact, rows: list[Row], told: list[Any] | None = None) -> list[bool]:
    """Whether the step drops each row."""
    verdict = step.judge(Frame.of(rows_frame(rows)))
    if told is not None:
        told += verdict.evidence["matches"].to_list()
    out = [False] * len(rows)
    for clause in verdict.clauses:
        out = [a or b for a, b in zip(out, clause.when.to_list(), strict=True)]
    return out


def chat(*turns: str) -> Row:
    return {"messages": [{"role": ("user", "assistant")[k % 2], "content": text} for k, text in enumerate(turns)]}


def rewrapped(text: str, rng: random.Random) -> str:
    words, lines = text.split(), []
    while words:
        k = rng.randint(4, 9)
        lines.append(" ".join(words[:k]))
        words = words[k:]
    return "\n".join(lines)


def planted(question: str, answer: str, rng: random.Random) -> dict[str, Row]:
    words = question.split(" ")
    first, second = " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])
    return {
        "verbatim": chat(question, answer),
        "re-wrapped": chat(rewrapped(question, rng), answer),
        "capitals": chat(question.upper(), answer),
        "with a prefix": chat("Please think hard about this and tell me what you get. " + question, answer),
        "two turns": chat(first, "Go on, I am listening to what you say.", second, answer),
        "prefix, other answer": chat(
            "Please think hard about this and tell me what you get. " + question, "I do not know that."
        ),
    }


def edited(text: str, share: float, rng: random.Random, vocabulary: list[str], numbers: bool) -> str:
    """A share of the words replaced, left out, or with another before them; `numbers`: also words with digits."""
    words = re.findall(r"\S+|\s+", text)
    able = [k for k, w in enumerate(words) if not w.isspace() and (numbers or not any(c.isdigit() for c in w))]
    for k in rng.sample(able, min(len(able), max(1, round(share * len(text.split()))))):
        what = rng.randrange(3)
        words[k] = (rng.choice(vocabulary), "", f"{rng.choice(vocabulary)} {words[k]}")[what]
    return "".join(words)


def table(head: list[str], rows: list[list[Any]]) -> None:
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def found() -> None:
    rng, lines = random.Random(1), []
    kinds: list[str] = []
    for name in SETS:
        items = read_items(TESTS / name)
        step = Ngram(against=TESTS / name)
        again = Counter(i.question for i in items)
        asked = {  # what many items ask alike is nothing without its choices
            i: "\n".join([i.question, *i.choices]) if again[i.question] > 10 else i.question for i in items
        }
        plants = [planted(asked[i], i.answers[0] if i.answers else "Sure.", rng) for i in items]
        kinds = list(plants[0])
        hits = [sum(judged(step, [p[kind] for p in plants])) for kind in kinds]
        lines.append([name.split(".")[0], len(items), *("all" if hit == len(items) else f"{hit:,}" for hit in hits)])
    table(["test set", "items", *kinds], lines)


def edits(three: list[tuple[str, str]]) -> None:
    rng, lines = random.Random(2), []
    sets = {n: HashSet([t for pair in three for t in pair], n) for n in (8, 13)}
    for name in THREE:
        items = read_items(TESTS / name)
        chosen = rng.sample(items, min(EDITED, len(items)))
        vocabulary = [word for item in chosen[:300] for word in item.question.split()]
        ours = Ngram(against=TESTS / name)
        for share in (0.02, 0.05, 0.1):
            for numbers in (False, True):
                rows = [
                    chat(edited(i.question, share, rng, vocabulary, numbers), "I do not know that.") for i in chosen
                ]
                cells = [sum(judged(ours, rows)), *(sum(sets[n].judge(rows)) for n in (8, 13))]
                which = "any" if numbers else "without digits"
                lines.append([name.split(".")[0], f"{share:.0%}", which, len(chosen), *cells])
    head = [
        "test set",
        "words edited",
        "which words",
        "items",
        "decontaminate.ngram",
        "8-gram hash set",
        "13-gram hash set",
    ]
    table(head, lines)


def opened(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")


def unrelated() -> list[Row]:
    """Instruction rows that were not made from any of the test sets."""
    rows = []
    for folder, pattern in UNRELATED:
        for path in sorted((DATA / folder).glob(pattern)):
            text = opened(path)
            try:
                records = (
                    json.loads(text)
                    if text.lstrip()[:1] == "["
                    else [json.loads(x) for x in text.split("\n") if x.strip()]
                )
            except ValueError:
                continue
            for record in records:
                if not isinstance(record, dict):
                    continue
                asked = [
                    str(record[k]) for k in ("instruction", "input", "prompt", "question", "messages") if record.get(k)
                ]
                told = [str(record[k]) for k in ("output", "response", "completion", "answer", "text") if record.get(k)]
                if asked or told:
                    rows.append(chat("\n".join(asked) or "–", "\n".join(told) or "–"))
    return rows


def false(three: list[tuple[str, str]], ours: Ngram, show: bool) -> None:
    train = [chat(i.question, i.answers[0]) for i in read_items(TESTS / "gsm8k_train.jsonl.gz")]
    others = unrelated()
    sets = {n: HashSet([t for pair in three for t in pair], n) for n in (8, 13)}
    every = Ngram(against=[TESTS / name for name in SETS])
    lines = []
    for name, rows in (("GSM8K train", train), ("unrelated instructions", others)):
        told: list[Any] = []
        mine = judged(ours, rows, told)
        cells = [sum(mine), *(sum(sets[n].judge(rows)) for n in (8, 13))]
        more: list[Any] = []
        all_sets = judged(every, rows, more)
        lines.append([name, f"{len(rows):,}", *cells, sum(all_sets)])
        if show:
            for row, a, x, b, y in zip(rows, mine, told, all_sets, more, strict=True):
                if a or b:
                    one = json.loads(x or y)[0]
                    print(
                        f"### {'three' if a else 'twenty'}: {one['benchmark']} {one['item']} {one['part']} {one['coverage']} {one['words']}/{one['of']}"
                    )
                    print("  row :", " ⏎ ".join(m["content"] for m in row["messages"])[:600].replace("\n", "⏎"))
                    print("  item:", one["item_text"].replace("\n", "⏎"))
    table(
        [
            "rows",
            "how many",
            "decontaminate.ngram",
            "8-gram hash set",
            "13-gram hash set",
            "ngram against all twenty sets",
        ],
        lines,
    )


def timed(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def stored(rows: list[Row]) -> pl.DataFrame:
    """Rows as the engine has them: read from a file, in few buffers."""
    buffer = io.BytesIO()
    rows_frame(rows).write_parquet(buffer)
    buffer.seek(0)
    return pl.read_parquet(buffer)


def speed(three: list[tuple[str, str]], ours: Ngram, count: int) -> None:
    rng = random.Random(3)
    leaks = [planted(q, a, rng)["with a prefix"] for q, a in three]
    pool = [chat(i.question, i.answers[0]) for i in read_items(TESTS / "gsm8k_train.jsonl.gz")] + unrelated()
    rows = [rng.choice(pool) for _ in range(count)]
    mixed = [row if rng.random() < 0.925 else rng.choice(leaks) for row in rows]
    frame, leaky = stored(rows), stored(mixed)
    size = sum(len(m["content"].encode()) for row in rows for m in row["messages"])
    exact = Exact(against=ours.against)
    ours.judge(Frame.of(frame[:10])), exact.judge(Frame.of(frame[:10]))
    baseline = HashSet([t for pair in three for t in pair], 8)
    few = rows[: max(1, count // 10)]
    lines = [
        ["decontaminate.ngram", timed(lambda: ours.judge(Frame.of(frame)))],
        ["decontaminate.exact", timed(lambda: exact.judge(Frame.of(frame)))],
        ["decontaminate.ngram, 7.5 % of the rows leaked", timed(lambda: ours.judge(Frame.of(leaky)))],
        ["8-gram hash set in Python", 10 * timed(lambda: baseline.judge(few))],
    ]
    rate = count / lines[-1][1]
    print(
        f"{count:,} rows, {size / 1e6:.0f} MB of text, against GSM8K + HumanEval + BBH; processor seconds of one thread.\n"
    )
    table(
        ["", "seconds", "rows a second and core", "times the hash set"],
        [[name, f"{s:.2f}", f"{count / s:,.0f}", f"{count / s / rate:.1f}"] for name, s in lines],
    )


RECIPE = """
tamis: 1
name: clean
sources:
  - use: files
    path: rows.jsonl
steps:
  - use: map.messages
  - use: {step}
    against: {against}
deliver:
  - use: jsonl
    path: dist/clean
"""


def pooled(three: list[tuple[str, str]], count: int, share: float) -> list[Row]:
    """Rows of GSM8K train and of the unrelated sets, a share of them test items behind a prefix."""
    rng = random.Random(3)
    leaks = [planted(q, a, rng)["with a prefix"] for q, a in three]
    pool = [chat(i.question, i.answers[0]) for i in read_items(TESTS / "gsm8k_train.jsonl.gz")] + unrelated()
    return [rng.choice(leaks) if rng.random() < share else rng.choice(pool) for _ in range(count)]


def engine(three: list[tuple[str, str]], count: int) -> None:
    """Whole runs of a recipe with one step: the seconds of its pass over the partitions on the local executor."""
    lines = []
    against = json.dumps([str((TESTS / name).resolve()) for name in THREE])
    for share in (0.0, 0.075):
        rows = pooled(three, count, share)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
            for step in ("decontaminate.ngram", "decontaminate.exact"):
                for workers in (1, 2):
                    (folder / "recipe.yaml").write_text(RECIPE.format(step=step, against=against))
                    told = [once(folder, workers) for _ in range(4)][1:]  # the first also makes the index
                    seconds = sorted(t[0] for t in told)[1]
                    step_seconds = sorted(t[1] for t in told)[1]
                    rate = f"{count / seconds:,.0f}"
                    lines.append(
                        [step, f"{share:.1%}", workers, told[0][2], f"{seconds:.3f}", f"{step_seconds:.3f}", rate]
                    )
    table(["step", "leaked", "threads", "rows dropped", "seconds of the pass", "of the step, summed", "rows/s"], lines)


def once(folder: Path, workers: int) -> tuple[float, float, int]:
    """A fresh run: seconds of the pass, seconds in the step over all threads, rows dropped."""
    done: list[float] = []
    steps: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, StageDone):
            done.append(event.seconds)
        if isinstance(event, StepDone):
            steps.append(event.seconds)

    shutil.rmtree(folder / ".tamis", ignore_errors=True)
    result = execute(load(folder / "recipe.yaml"), folder, Options(workers=workers, fresh=True), emit=listen)
    return done[1], steps[1], result.outcomes["dropped"]  # done[0] read the file, steps[0] mapped the columns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", choices=("found", "edited", "false", "speed", "engine"))
    parser.add_argument("--show", action="store_true", help="print the rows that were taken for leaks")
    options = parser.parse_args()
    three = [(i.question, i.answers[0] if i.answers else "") for name in THREE for i in read_items(TESTS / name)]
    ours = Ngram(against=[TESTS / name for name in THREE])
    for name, work in (
        ("found", found),
        ("edited", lambda: edits(three)),
        ("false", lambda: false(three, ours, options.show)),
        ("speed", lambda: speed(three, ours, options.rows)),
        ("engine", lambda: engine(three, options.rows)),
    ):
        if options.only in (None, name):
            work()


if __name__ == "__main__":
    main()
