"""`init`: a recipe proposed from a look at the data."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl
import yaml

from tamis.core.errors import DataError
from tamis.core.origin import Cut, kind_of
from tamis.engine.shapes import detect
from tamis.recipe.load import parse
from tamis.sources.files import Files

HEAD = "# yaml-language-server: $schema=https://raw.githubusercontent.com/tamis-data/tamis/main/recipe.schema.json\n"
#: a text column is one whose texts are, on average, at least this long in characters
TEXT_LENGTH = 25
#: a label column has at most this many different values
LABELS = 60
#: shape → what it is delivered as, where that is not a chat
TARGETS = {"text": "jsonl", "preference": "trl_preference", "kto": "trl_kto"}


@dataclass(frozen=True)
class Proposal:
    """A recipe, and what it was made from."""

    yaml: str
    shape: str | None
    mapping: dict[str, str]
    confidence: float
    notes: list[str]
    columns: list[str]


def propose(data: list[str], out: Path, name: str | None = None) -> Proposal:
    """Look at the first rows of the data and write a recipe for them. DataError where nothing can be read."""
    here = out.parent
    paths = [_from_recipe(path, here) for path in data]
    source = Files(path=paths[0] if len(paths) == 1 else tuple(paths))
    sample, kinds, bad = _look(source, here)
    found = detect(kinds, sample)
    notes = [*found.notes, *bad]
    steps, label = _mapping_steps(found.shape, kinds, sample, notes)
    has_answer = found.shape not in ("text",)
    steps += _cleaning_steps(has_answer)
    steps.append(
        {"use": "split.stratified", "by": label, "shares": {"train": 0.9, "validation": 0.1}}
        if label
        else {"use": "split.random", "shares": {"train": 0.9, "validation": 0.1}}
    )
    title = re.sub(r"[^A-Za-z0-9._\-]+", "-", name or Path(data[0]).name.split(".")[0]).strip("-.") or "dataset"
    target = TARGETS.get(found.shape or "", "openai_chat")
    labelled = {"label": found.mapping["label"]} if target == "trl_kto" else {}
    if found.shape == "preference":
        notes.append("Pairs are delivered for TRL; `openai_dpo` in place of `trl_preference` delivers them for OpenAI.")
    recipe = {
        "tamis": 1,
        "name": title,
        "seed": 42,
        "sources": [{"use": "files", "path": paths[0] if len(paths) == 1 else paths}],
        "steps": steps,
        "deliver": [{"use": target, "path": f"dist/{title}"} | labelled],
    }
    text = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True, width=110)
    parse(text)  # what is proposed must at least load
    return Proposal(HEAD + text, found.shape, dict(found.mapping), found.confidence, notes, list(kinds))


def _from_recipe(path: str, here: Path) -> str:
    """A path as seen from the recipe's folder."""
    given = Path(path)
    return str(given) if given.is_absolute() else os.path.relpath(given, here)


def _look(source: Files, root: Path) -> tuple[pl.DataFrame, dict[str, str], list[str]]:
    """The first rows of the first input, the kind of each column, and what is wrong with lines of its first slice."""
    inputs, _ = source.inputs(root)
    unread: list[str] = []
    for what in inputs:
        first = source.cut(what).slices[:1]
        wanted = source.readings([(what, Cut(first, ""))])
        for batch in source.read(what, first, wanted):
            told = [f"{what.path}:{one.line} cannot be read ({one.cause}): {one.message}" for one in batch.bad[:3]]
            unread += told
            if batch.columns:
                sample = pl.DataFrame([column.head(500).alias(name) for name, column in batch.columns.items()])
                bad = list(told)
                if (more := sum(batch.bad_counts.values()) - sum(one.lines for one in batch.bad[:3])) > 0:
                    bad.append(f"{more:,} more lines there cannot be read; a run quarantines them and names each.")
                return sample, {n: kind_of(reading) for n, reading in batch.readings.items()}, bad
    why = f": {unread[0]}" if unread else ""
    raise DataError(f"no row could be read{why}", hint="tamis check FILE says what is wrong with it")


def _mapping_steps(
    shape: str | None, kinds: dict[str, str], sample: pl.DataFrame, notes: list[str]
) -> tuple[list[dict[str, Any]], str | None]:
    """How rows become messages; and the column to stratify by, if there is one."""
    label = _label(kinds, sample)
    if shape == "tree":
        return [{"use": "map.threads"}], None
    if shape == "message_table":
        return [{"use": "map.tree"}], None
    if shape is not None:
        return [{"use": "map.auto"}], label
    texts = [n for n, kind in kinds.items() if kind == "text" and _length(sample[n], "mean") >= TEXT_LENGTH]
    if not texts:
        texts = [n for n, kind in kinds.items() if kind == "text"][:1] or list(kinds)[:1]
    labels = [n for n, kind in kinds.items() if n not in texts and kind == "text" and _is_label(sample[n])]
    step: dict[str, Any] = {"use": "map.template", "user": "{" + texts[0] + "}"}
    if labels:
        step = {
            "use": "map.template",
            "system": "Classify the user message and answer with JSON.",
            "user": "{" + texts[0] + "}",
            "assistant": {"json": {n: "{" + n + "}" for n in labels}},
        }
        notes.append(
            f"{texts[0]!r} is taken as the question and {', '.join(labels)} as labels; change map.template if that is wrong."
        )
    elif len(texts) > 1:
        step["assistant"] = "{" + texts[1] + "}"
        notes.append(
            f"{texts[0]!r} is taken as the question and {texts[1]!r} as the answer; change map.template if that is wrong."
        )
    else:
        notes.append("No answers were found: rows end on the user's message.")
    return [step], label


def _length(column: pl.Series, which: Literal["mean", "max"]) -> float:
    """The mean or longest length of a column's texts, in characters; 0 where there is none."""
    lengths = column.drop_nulls().str.len_chars().to_numpy()
    return float(lengths.mean() if which == "mean" else lengths.max()) if len(lengths) else 0.0


def _label(kinds: dict[str, str], sample: pl.DataFrame) -> str | None:
    found = [n for n, kind in kinds.items() if kind == "text" and _is_label(sample[n])]
    return min(found, key=lambda n: sample[n].n_unique()) if found else None


def _is_label(column: pl.Series) -> bool:
    """Few different, short values, each of which comes back."""
    filled = column.drop_nulls()
    n = filled.n_unique()
    return len(filled) > 10 and 2 <= n <= min(LABELS, len(filled) // 3) and _length(filled, "max") <= 60


def _cleaning_steps(has_answer: bool) -> list[dict[str, Any]]:
    """What nearly every set needs, in an order that works."""
    view = {} if has_answer else {"in": "text"}
    steps: list[dict[str, Any]] = [
        {"use": "clean.unicode"},
        {"use": "clean.whitespace"},
        {"use": "filter.empty", "in": "prompt" if has_answer else "text"},
        {"use": "filter.repetition", **view},
        {"use": "dedup.exact"},
    ]
    if has_answer:
        steps[3:3] = [{"use": "filter.roles"}, {"use": "filter.refusal"}]
    return steps
