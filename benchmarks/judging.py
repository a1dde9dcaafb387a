"""Replays recorded judgements through Tamis's own reading and statistics: what is known of these judges, found again.

    python benchmarks/judging.py DATA            the recorded judges
    python benchmarks/judging.py DATA --ifd 200  score.ifd with local/smollm2 on real and shuffled answers (minutes)

DATA is a folder with judge-llmbar, judge-pandalm, judge-prometheus, ratings-unieval, judge-alpacaeval-annotations. Prints
Markdown. Nothing is asked of any endpoint but, for --ifd, the local model.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import math
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from tamis.engine.agreement.bootstrap import Estimate
from tamis.engine.agreement.labels import classify, cohen
from tamis.engine.agreement.paired import wilson
from tamis.engine.agreement.rank import correlation
from tamis.engine.agreement.raters import agreement
from tamis.engine.judging.panel import judge_figures
from tamis.engine.judging.parse import read_choice, read_score

SIDES = {"1": "first", "2": "second", "0": "tie", "tie": "tie"}
NAMES = ("Output (a)", "Output (b)")


def load(path: Path) -> list[dict[str, Any]]:
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
        text = file.read()
    return list(json.loads(text)) if text.lstrip().startswith("[") else [json.loads(x) for x in text.splitlines()]


def told(one: Estimate | dict[str, Any], digits: int = 3) -> str:
    value, low, high = (one["value"], one["low"], one["high"]) if isinstance(one, dict) else one[:3]
    if value is None:
        return "–"
    return f"{value:.{digits}f}" + ("" if low is None else f" ({low:.{digits}f}–{high:.{digits}f})")


def share(hits: int, of: int) -> str:
    found = wilson(hits, of)
    return f"{found.value:.1%} ({found.low:.1%}–{found.high:.1%})"


class Reading:
    """How many replies were read as they were meant, and which were not."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.wrong: list[str] = []
        self.right = self.all = 0

    def add(self, name: str, read: Sequence[tuple[Any, Any, str]], *, undecided: bool = False) -> None:
        """read: (what was read, what is right, the reply); undecided: replies that decide nothing are left out."""
        counted = [one for one in read if one[0] is not None] if undecided else list(read)
        right = sum(a == b for a, b, _ in counted)
        self.right, self.all = self.right + right, self.all + len(counted)
        self.lines.append(f"| {name} | {len(read):,} | {len(counted):,} | {right:,} | {right / len(counted):.2%} |")
        self.wrong += [
            f"- {name}: read {a}, recorded {b}: “…{text[-160:].strip()}”" for a, b, text in counted if a != b
        ]


# -- LLMBar ---------------------------------------------------------------------------------------


def llmbar(data: Path, reading: Reading) -> None:
    print("## LLMBar, natural set: 100 pairs, each in both orders, against the authors' labels\n")
    print("| judge | accuracy, mean of both orders | accuracy where consistent wins count | consistent when swapped | "
          "of the others, for the first shown | kappa with the labels |\n|---|---|---|---|---|---|")  # fmt: skip
    for path in sorted((data / "judge-llmbar").glob("natural_judge_*")):
        name = path.name.removeprefix("natural_judge_").split(".")[0]
        lines, gold, single, read = [], [], 0, []
        for row in load(path):
            results = row["results"][0]
            verdicts = []
            for order, swapped in (("swap = False", False), ("swap = True", True)):
                text, recorded = results[order]["completion"][0], results[order]["winner"]
                sides = ("2", "1") if swapped else ("1", "2")
                said = read_choice(text, dict(zip(NAMES, sides, strict=True)))
                read.append((said, recorded, text))
                verdicts.append(SIDES[said or "tie"])
                single += said == str(row["label"])
            winner = verdicts[0] if verdicts[0] == verdicts[1] else "tie"
            lines.append({"orders": "/".join(verdicts), "score": {"first": 1.0, "tie": 0.5, "second": 0.0}[winner],
                          "winner": winner, "longer": len(row["output_1"]) - len(row["output_2"])})  # fmt: skip
            gold.append(SIDES[str(row["label"])])
        reading.add(f"LLMBar {name}", read)
        frame = pl.DataFrame(lines)
        figures = judge_figures(frame)
        won = sum(a == b for a, b in zip(frame["winner"], gold, strict=True))
        print(f"| {name} | {single / (2 * len(gold)):.1%} | {share(won, len(gold))} | "
              f"{told(figures['position']['consistent'], 2)} | {told(figures['position']['first_shown'], 2)} | "
              f"{told(cohen(gold, frame['winner'].to_list(), resamples=1000), 2)} |")  # fmt: skip


# -- PandaLM --------------------------------------------------------------------------------------


def pandalm(data: Path, reading: Reading) -> None:
    folder = data / "judge-pandalm"
    people = load(folder / "testset-v1.json.gz")
    raters = [[SIDES[str(row[f"annotator{k}"])] for row in people] for k in (1, 2, 3)]
    votes = [Counter(three).most_common(1)[0] for three in zip(*raters, strict=True)]
    majority = [label if count > 1 else None for label, count in votes]
    print("\n## PandaLM: 999 pairs, three people each\n")
    among = agreement(raters, resamples=1000)
    print(f"People among themselves: Fleiss' kappa {told(among['fleiss'])}, Krippendorff's alpha {told(among['alpha'])}, "
          f"AC1 {told(among['ac1'])}; Cohen's kappa of each two: "
          + ", ".join(told(cohen(raters[a], raters[b], resamples=0)) for a, b in ((0, 1), (0, 2), (1, 2)))
          + f". A majority in {sum(one is not None for one in majority)} pairs.\n")  # fmt: skip
    print("| judge | accuracy against the majority | macro precision | macro recall | macro F1 | Cohen's kappa | "
          "longer answer wins | people: longer answer wins |\n|---|---|---|---|---|---|---|---|")  # fmt: skip
    longer = [len(str(row["response1"])) - len(str(row["response2"])) for row in people]
    for name, file in (("gpt", "gpt-3.5-turbo"), ("pandalm", "pandalm-7b")):
        rows = load(folder / f"{file}-testset-v1.json.gz")
        said = [SIDES.get(str(row[f"{name}_result"]).lower()) for row in rows]
        names = {"Response 1": "first", "Response 2": "second"}
        read = [(read_choice(str(row[f"{name}_reason"]), names), verdict, str(row[f"{name}_reason"]))
                for row, verdict in zip(rows, said, strict=True) if verdict is not None]  # fmt: skip
        reading.add(f"PandaLM {file}, reasons in prose alone", read, undecided=True)
        both = [(a, b) for a, b in zip(majority, said, strict=True) if a is not None]
        figures = classify(
            [a for a, _ in both], [b for _, b in both], labels=["first", "second", "tie"], resamples=1000
        )
        wins = [judge_figures(pairs(one, longer))["length"]["longer_wins"] for one in (said, majority)]
        measured = figures.metrics
        cells = [told(measured[n]) for n in ("accuracy", "precision_macro", "recall_macro", "f1_macro", "kappa")]
        print(f"| {file} | {' | '.join(cells)} | {told(wins[0])} | {told(wins[1])} |")


def pairs(winners: Sequence[str | None], longer: Sequence[int]) -> pl.DataFrame:
    score = {"first": 1.0, "tie": 0.5, "second": 0.0}
    return pl.DataFrame({"score": [None if one is None else score[one] for one in winners],
                         "orders": [f"{one}/{one}" for one in winners], "longer": longer})  # fmt: skip


# -- Prometheus, AlpacaEval, UniEval ----------------------------------------------------------------


def prometheus(data: Path, reading: Reading) -> None:
    print("\n## Prometheus: GPT-4 grades the same answer three times, 1 to 5\n")
    print("| set | answers | same score twice (of 3) | Krippendorff's alpha, by intervals | by order | "
          "rank correlation of mean score and length |\n|---|---|---|---|---|---|")  # fmt: skip
    for path in sorted((data / "judge-prometheus").glob("*.gz")):
        rows = load(path)
        read = [(read_score(f"Feedback: {why} [RESULT] {score}", 1, 5), score, why)
                for row in rows for score, why in zip(row["gpt4_score"], row["gpt4_feedback"], strict=True)]  # fmt: skip
        reading.add(f"Prometheus {path.name.split('.')[0]}, put together as the prompt asks", read)
        tries = [[row["gpt4_score"][k] for row in rows] for k in range(3)]
        interval = agreement(tries, scale="interval", resamples=1000)
        ordinal = agreement(tries, scale="ordinal", resamples=1000)
        same = interval["agreement"]
        lengths = [
            len(row["instruction"].split("###Response to evaluate:")[1].split("###Reference")[0]) for row in rows
        ]
        means = [sum(row["gpt4_score"]) / 3 for row in rows]
        bias = correlation(means, lengths, resamples=1000)["spearman"]
        print(f"| {path.name.split('.')[0]} | {len(rows)} | {told(same)} | {told(interval['alpha'])} | "
              f"{told(ordinal['alpha'])} | {told(bias)} |")  # fmt: skip


def alpaca(data: Path) -> None:
    print("\n## AlpacaEval: GPT-4 between a model and text-davinci-003, 805 pairs each\n")
    print("| model | pairs with a verdict | wins (ties half) | longer answer wins |\n|---|---|---|---|")
    for path in sorted((data / "judge-alpacaeval-annotations").glob("*.gz")):
        rows = [row for row in load(path) if row["preference"] is not None]
        said = [{1.0: "first", 2.0: "second"}.get(float(row["preference"]), "tie") for row in rows]
        longer = [len(row["output_1"] or "") - len(row["output_2"] or "") for row in rows]
        wins = sum(one == "second" for one in said) + 0.5 * sum(one == "tie" for one in said)
        figures = judge_figures(pairs(said, longer))
        print(f"| {path.name.removesuffix('_annotations.json.gz')} | {len(rows)} | {wins / len(rows):.2%} | "
              f"{told(figures['length']['longer_wins'])} |")  # fmt: skip


def unieval(data: Path) -> None:
    """No judge is recorded here; two that need no model stand in, to see that the harness ranks them as it must."""
    print("\n## UniEval's human ratings: length, and words shared with the source, as judges\n")
    print(
        "| set | rating | rows | length: Spearman | Kendall | shared words: Spearman | Kendall |\n|---|---|---|---|---|---|---|"
    )
    for path in sorted((data / "ratings-unieval").glob("*.gz")):
        rows = load(path)
        for aspect in rows[0]["scores"]:
            people = [row["scores"].get(aspect) for row in rows]
            judges = ([len(row["system_output"]) for row in rows], [overlap(row) for row in rows])
            cells = []
            for judge in judges:
                found = correlation(people, judge, resamples=500)
                cells += [told(found["spearman"], 2), told(found["kendall"], 2)]
            print(f"| {path.name.split('.')[0]} | {aspect} | {len(rows)} | {' | '.join(cells)} |")


def overlap(row: dict[str, Any]) -> float:
    mine, theirs = set(row["system_output"].lower().split()), set(row["source"].lower().split())
    return len(mine & theirs) / max(1, len(mine))


# -- instruction-following difficulty -----------------------------------------------------------------


def instructions(data: Path, words: int) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Name → (request, answer) pairs."""
    for path in sorted((data / "self-instruct").iterdir()) + sorted((data / "gpteacher").iterdir()):
        if path.suffix not in (".gz", ".json", ".jsonl"):
            continue
        found = []
        for row in load(path):
            instances = row.get("instances") or [row]
            instance = instances[0] if isinstance(instances, list) else row
            ask = " ".join(str(x) for x in (row.get("instruction"), instance.get("input")) if x)
            answer = instance.get("output") or instance.get("response") or row.get("response")
            if ask and isinstance(answer, str) and 8 <= len(answer.split()) <= words and len(ask.split()) <= 200:
                found.append((ask, answer.strip()))
        if len(found) >= 20 and ("seed" in path.name or "user" in path.name or "instruct" in path.name):
            yield path.name, found


def auc(low: Sequence[float], high: Sequence[float]) -> float:
    """The probability that one of `low` lies under one of `high`, ties half."""
    under = sum((a < b) + 0.5 * (a == b) for a in low for b in high)
    return under / (len(low) * len(high))


def middle(logarithms: Sequence[float]) -> float:
    """The median score, from logarithms of scores."""
    return math.exp(sorted(logarithms)[len(logarithms) // 2])


async def difficulty(data: Path, rows: int, words: int, sets: int) -> None:
    from tamis.core.calls import CallFailed
    from tamis.engine.asked import FrameRows
    from tamis.engine.frame import Frame
    from tamis.llm.models import open_models
    from tamis.llm.spec import Model
    from tamis.steps.score.ifd import Ifd
    from tamis.testing import rows_frame

    step, random_ = Ifd(), random.Random(4)
    print("\n## score.ifd with local/smollm2: answers in their own place, and each under another row's request\n")
    print("| set | rows | AUC | the same row lower in its own place | median, own | median, shuffled | over 1, own | "
          "over 1, shuffled | s a row |\n|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        models_of = {"prober": Model(model="local/smollm2")}
        async with open_models(models_of, {}, None, Path(folder)) as models:
            for name, found in islice(instructions(data, words), sets):
                chosen = random_.sample(found, min(rows, len(found)))
                shifted = [(ask, chosen[(k + 1) % len(chosen)][1]) for k, (ask, _) in enumerate(chosen)]
                started = time.perf_counter()
                scores = []
                for some in (chosen, shifted):
                    frame = rows_frame([{"prompt": ask, "response": answer} for ask, answer in some])
                    rows_of = FrameRows(Frame.of(frame))

                    async def one(index: int, rows_of: FrameRows = rows_of) -> Any:
                        try:
                            return await step.ask(rows_of[index], models)
                        except CallFailed:
                            return None

                    answers = await asyncio.gather(*(one(k) for k in range(frame.height)))
                    scores.append([None if not a or "given" not in a else a["given"] - a["alone"] for a in answers])
                spent = (time.perf_counter() - started) / (2 * len(chosen))
                own = [x for x in scores[0] if x is not None]
                other = [x for x in scores[1] if x is not None]
                # the answer of row k stands shuffled at k - 1
                same = [(x, scores[1][k - 1]) for k, x in enumerate(scores[0])]
                lower = [x < y for x, y in same if x is not None and y is not None]
                print(f"| {name} | {len(own)} | {auc(own, other):.3f} | {sum(lower) / len(lower):.1%} | {middle(own):.3f} | {middle(other):.3f} | "
                      f"{sum(x > 0 for x in own) / len(own):.1%} | {sum(x > 0 for x in other) / len(other):.1%} | {spent:.2f} |", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--ifd", type=int, default=0, metavar="ROWS", help="rows of each set for score.ifd")
    parser.add_argument("--words", type=int, default=150, help="longest answer for score.ifd")
    parser.add_argument("--sets", type=int, default=9, help="how many sets for score.ifd")
    arguments = parser.parse_args()
    if arguments.ifd:
        asyncio.run(difficulty(arguments.data, arguments.ifd, arguments.words, arguments.sets))
        return
    reading = Reading()
    llmbar(arguments.data, reading)
    pandalm(arguments.data, reading)
    prometheus(arguments.data, reading)
    alpaca(arguments.data)
    unieval(arguments.data)
    print("\n## Replies read\n\n| replies | recorded | decided | read as recorded | share |\n|---|---:|---:|---:|---:|")
    print("\n".join(reading.lines))
    print(f"| all | | {reading.all:,} | {reading.right:,} | {reading.right / reading.all:.2%} |")
    print("\nRead otherwise than recorded:\n")
    print("\n".join(reading.wrong))


if __name__ == "__main__":
    main()
