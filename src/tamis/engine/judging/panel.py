"""What is known of a judge after it has judged: whether its verdicts depend on the order, on chance, on length; whether
people agree with it; and what it made of answers whose worth is known. From the evidence that judging steps keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from tamis.engine.agreement.bootstrap import Estimate
from tamis.engine.agreement.labels import cohen
from tamis.engine.agreement.paired import mean, wilson
from tamis.engine.agreement.rank import correlation
from tamis.engine.agreement.raters import agreement

#: rows that intervals are computed over, taken evenly; more make them narrower than anybody needs
MOST = 4000
#: rows under which a figure with an interval is not told
FEW = 10
#: rank correlation with length from which it is warned of, where the interval does not hold 0
LONG = 0.3
#: consistent pairs, and rows judged alike twice, under which it is warned of
CONSISTENT, STABLE = 0.8, 0.8
_SIDES = {"first": 1.0, "tie": 0.5, "second": 0.0}


def judge_figures(evidence: pl.DataFrame) -> dict[str, Any]:
    """The figures of one judging step, as JSON values.

    evidence: one line a row, with those of these columns that the step keeps: `score`, `again` (the score at a second
    try), `length` (characters of what was judged), `human` (what people gave), `canary` (`name:passed`, `failed` or
    `unread`), `family`, `orders` (`winner/winner` of a pair in both orders), `longer` (characters by which the first of a
    pair is longer).
    """
    if "score" not in evidence.columns:
        evidence = pl.DataFrame(schema={"score": pl.Float64})
    judged = evidence.filter(pl.col("score").is_not_null())
    pairs = "orders" in judged.columns
    told: dict[str, Any] = {"rows": judged.height, "pairs": pairs}
    told["scores"] = {f"{key:g}": count for key, count in judged["score"].value_counts().sort("score").iter_rows()}
    told["mean"] = mean(_some(judged)["score"].to_numpy()).told()
    if pairs:
        told["position"] = _position(judged["orders"])
    told["repeat"] = _repeat(judged)
    told["length"] = _length(judged, pairs)
    told["human"] = _human(judged, pairs)
    told["canaries"] = _canaries(judged)
    told["families"] = _counts(judged, "family")
    told["warnings"] = _warnings(told)
    return told


def _some(frame: pl.DataFrame) -> pl.DataFrame:
    """At most MOST rows, evenly taken."""
    if frame.height <= MOST:
        return frame
    return frame[np.linspace(0, frame.height - 1, MOST).astype(np.int64)]


def _counts(frame: pl.DataFrame, name: str) -> dict[str, int]:
    if name not in frame.columns:
        return {}
    return {str(key): int(count) for key, count in frame[name].drop_nulls().value_counts().sort(name).iter_rows()}


def _share(hits: int, of: int) -> dict[str, Any]:
    """A share with Wilson's interval, and of how many; None where it is of nothing."""
    if not of:
        return {"value": None, "low": None, "high": None, "of": 0}
    return {**{name: round(x, 4) for name, x in wilson(hits, of)._asdict().items()}, "of": of}


def _position(orders: pl.Series) -> dict[str, Any]:
    """consistent: both orders agree; first_shown: where they name different answers, the share that names the one shown
    first (0.5: no side is preferred)."""
    pairs = [one.split("/") for one in orders.drop_nulls()]
    first = sum(pair == ["first", "second"] for pair in pairs)
    last = sum(pair == ["second", "first"] for pair in pairs)
    same = sum(a == b for a, b in pairs)
    return {"consistent": _share(same, len(pairs)), "first_shown": _share(first, first + last)}


def _repeat(judged: pl.DataFrame) -> dict[str, Any] | None:
    """same: the share of rows that got the same score twice; alpha: Krippendorff's, by intervals, over both tries."""
    if "again" not in judged.columns:
        return None
    twice = _some(judged.filter(pl.col("again").is_not_null()))
    if not twice.height:
        return None
    one, two = twice["score"].to_list(), twice["again"].to_list()
    told: dict[str, Any] = {"same": _share(sum(a == b for a, b in zip(one, two, strict=True)), len(one))}
    told["change"] = round(float(np.mean(np.abs(np.array(one) - np.array(two)))), 4)
    told["alpha"] = agreement([one, two], scale="interval")["alpha"].told() if len(one) >= FEW else None
    return told


def _length(judged: pl.DataFrame, pairs: bool) -> dict[str, Any] | None:
    """Rank correlation of score and length; of pairs, the share of decided ones that the longer answer won."""
    if pairs:
        decided = (
            judged.filter((pl.col("longer") != 0) & (pl.col("score") != 0.5))
            if "longer" in judged.columns
            else judged[:0]
        )
        won = int(((decided["longer"] > 0) == (decided["score"] == 1)).sum()) if decided.height else 0
        return {"longer_wins": _share(won, decided.height)}
    if "length" not in judged.columns or judged.height < FEW:
        return None
    some = _some(judged)
    return {"spearman": correlation(some["score"].to_list(), some["length"].to_list())["spearman"].told()}


def _human(judged: pl.DataFrame, pairs: bool) -> dict[str, Any] | None:
    """Agreement with people, where they have rated."""
    if "human" not in judged.columns:
        return None
    people = judged["human"].str.to_lowercase().replace_strict(_SIDES, default=None) if pairs else judged["human"]
    both = _some(judged.with_columns(people.alias("human")).filter(pl.col("human").is_not_null()))
    if not both.height:
        return None
    judge, person = both["score"].to_list(), both["human"].to_list()
    told: dict[str, Any] = {"same": _share(sum(a == b for a, b in zip(judge, person, strict=True)), both.height)}
    if both.height >= FEW:
        told["alpha"] = agreement([person, judge], scale="nominal" if pairs else "interval")["alpha"].told()
        if pairs:
            told["kappa"] = cohen(person, judge).told()
        else:
            told |= {name: one.told() for name, one in correlation(person, judge).items() if name != "pearson"}
            told["bias"] = _bias(judge, person).told()
    return told


def _bias(judge: list[float], person: list[float]) -> Estimate:
    """By how much the judge gives more than people."""
    return mean(np.array(judge) - np.array(person))


def _canaries(judged: pl.DataFrame) -> dict[str, Any]:
    """Each canary once: the same request is bought once, so that all rows tell the same of it."""
    if "canary" not in judged.columns:
        return {"judged": 0, "passed": 0, "failed": [], "unread": []}
    told = sorted(set(judged["canary"].drop_nulls()))
    by = {
        word: [one.rpartition(":")[0] for one in told if one.endswith(f":{word}")]
        for word in ("passed", "failed", "unread")
    }
    return {"judged": len(told), "passed": len(by["passed"]), "failed": by["failed"], "unread": by["unread"]}


def _warnings(told: dict[str, Any]) -> list[str]:
    found = []
    canaries = told["canaries"]
    if canaries["failed"]:
        found.append(f"it misjudged answers of known worth: {', '.join(canaries['failed'])}")
    if any(name.endswith("/injection") for name in canaries["failed"]):
        found.append("an answer that asked for the best mark got it: texts can talk this judge round")
    consistent = (told.get("position") or {}).get("consistent")
    if consistent and consistent["of"] >= FEW and consistent["value"] < CONSISTENT:
        found.append(f"{1 - consistent['value']:.0%} of the pairs got another verdict when the answers were swapped")
    repeat = told["repeat"]
    if repeat and repeat["same"]["of"] >= FEW and repeat["same"]["value"] < STABLE:
        found.append(f"{1 - repeat['same']['value']:.0%} of the rows judged twice got another score the second time")
    bias = (told["length"] or {}).get("spearman")
    if bias and bias["value"] is not None and bias["value"] >= LONG and (bias["low"] or 0) > 0:
        found.append(f"longer answers get better scores (rank correlation {bias['value']:.2f})")
    if told["rows"] >= FEW and len(told["scores"]) == 1:
        found.append("every row got the same score: it tells nothing apart")
    if told["families"].get("unknown"):
        found.append(f"for {told['families']['unknown']} rows nobody can tell whether it judged its own family")
    return found


def told_in_words(told: dict[str, Any]) -> list[str]:
    """The figures as sentences, for the report and the card."""
    lines = [f"{told['rows']:,} {'pairs' if told['pairs'] else 'rows'} judged; {_span(told['mean'], 'mean score')}."]
    if "position" in told:
        position = told["position"]
        lines.append(f"Position: {_percent(position['consistent'], 'consistent when swapped')}; "
                     f"{_percent(position['first_shown'], 'of the others for the answer shown first')}.")  # fmt: skip
    if told["repeat"]:
        lines.append(f"Judged twice: {_percent(told['repeat']['same'], 'got the same score')}.")
    if told["length"]:
        length = told["length"]
        words = (
            _span(length["spearman"], "rank correlation of score and length")
            if "spearman" in length
            else _percent(length["longer_wins"], "of the decided pairs won by the longer answer")
        )
        lines.append(f"Length: {words}.")
    if told["human"]:
        human = told["human"]
        more = [_span(human[name], word) for name, word in (("kappa", "Cohen's kappa"), ("spearman", "rank correlation"),
                                                            ("alpha", "Krippendorff's alpha")) if name in human]  # fmt: skip
        lines.append(f"People: {'; '.join([_percent(human['same'], 'got the same'), *more])}.")
    canaries = told["canaries"]
    if canaries["judged"]:
        lines.append(f"Answers of known worth: {canaries['passed']} of {canaries['judged']} judged as they must be.")
    return lines


def _span(told: dict[str, Any], name: str) -> str:
    if told["value"] is None:
        return f"{name} not defined"
    ends = "" if told["low"] is None else f" ({told['low']:.2f} to {told['high']:.2f})"
    return f"{name} {told['value']:.2f}{ends}"


def _percent(told: dict[str, Any], what: str) -> str:
    if not told["of"]:
        return f"none {what}"
    return f"{told['value']:.0%} {what} ({told['low']:.0%} to {told['high']:.0%}, of {told['of']:,})"
