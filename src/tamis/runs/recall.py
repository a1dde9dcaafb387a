"""How much of the personal data was found: a sample that a person reads, and the figure it gives.

A sample is of delivered rows, as they are delivered: it shows what was left. The person notes, row by row, how many of
each kind were missed and how many replacements stand where nothing personal was.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tamis.core.errors import DataError, UsageError
from tamis.core.fingerprint import derive_seed
from tamis.core.row import LINEAGE
from tamis.engine.agreement.paired import Share, wilson
from tamis.engine.allocate import seeded_order
from tamis.engine.ids import hex_ids
from tamis.engine.store import write_json, writing

from .ledger import Ledger
from .rows import RunRows, read_json, read_privacy

HOW = (
    'note what was missed, as in {"email": 1}, in `missed`, needless replacements in `wrong`, and set `checked` to true'
)


def draw(run: Path, path: Path, rows: int, seed: int = 0) -> int:
    """Write a sample of delivered rows for a person to check; returns how many there are."""
    privacy = read_privacy(run)
    if not privacy:
        raise UsageError(f"{run} has no step that takes personal data away", hint="add `- use: privacy.anonymize`")
    ledger, texts = Ledger(run), RunRows(run)
    chosen = _chosen(ledger, texts, rows, seed)
    settings = read_json(run / "manifest.json").get("privacy", {}).get("settings", "")
    lines: list[dict[str, Any]] = [
        {"sample": {"run": f"{run.parent.name}/{run.name}", "settings": settings, "how": HOW}}
    ]
    for partition, places in sorted(chosen.items()):
        frame = texts.frame(partition).take(np.array(sorted(places), np.int64))
        found = _found(ledger, privacy, partition)
        ids = hex_ids(frame["id.high"].to_numpy(), frame["id.low"].to_numpy()).to_list()
        names = [name for name in frame.names if name not in LINEAGE and name not in ("split", "born.from")]
        columns = {name: frame[name].to_list() for name in names}
        for k, row in enumerate(sorted(places)):
            told = {name: values[k] for name, values in columns.items() if values[k] is not None}
            lines.append(
                {
                    "id": ids[k],
                    "checked": False,
                    "missed": {},
                    "wrong": {},
                    "found": dict(found.get(row, {})),
                    "row": _plain(told),
                }
            )
    with writing(path) as temporary:
        temporary.write_text(
            "".join(json.dumps(line, ensure_ascii=False, default=str) + "\n" for line in lines), encoding="utf-8"
        )
    return len(lines) - 1


def _chosen(ledger: Ledger, texts: RunRows, rows: int, seed: int) -> dict[int, list[int]]:
    """The rows of the sample, by partition: those that come first in a seeded order of ids."""
    parts, places, keys = [], [], []
    for partition in range(texts.count):
        live = np.flatnonzero(texts.live(partition))
        ids = ledger.rows(partition)
        order = seeded_order(
            derive_seed(seed, "privacy sample"), ids["id.high"].to_numpy()[live], ids["id.low"].to_numpy()[live]
        )
        parts.append(np.full(len(live), partition))
        places.append(live)
        keys.append(order)
    first = np.argsort(np.concatenate(keys), kind="stable")[:rows] if keys else np.empty(0, np.int64)
    found: dict[int, list[int]] = {}
    for partition, place in zip(
        np.concatenate(parts)[first].tolist(), np.concatenate(places)[first].tolist(), strict=True
    ):
        found.setdefault(partition, []).append(place)
    return found


def _found(ledger: Ledger, privacy: Mapping[str, Any], partition: int) -> dict[int, Counter[str]]:
    """What was replaced in each row of a partition."""
    found: dict[int, Counter[str]] = {}
    for step in ledger.steps:
        part = ledger.part(step, partition) if step["name"] in privacy else None
        if part is not None and "evidence.found" in part.columns:
            for row, words in part.select("row", "evidence.found").drop_nulls().iter_rows():
                counted = found.setdefault(row, Counter())
                for word in words.split(", "):
                    kind, _, number = word.rpartition(" ")
                    counted[kind] += int(number)
    return found


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row, its messages without what is null."""
    return {
        name: [{k: v for k, v in message.items() if v is not None} for message in value]
        if name in ("messages", "rejected")
        else value
        for name, value in row.items()
    }


def score(path: Path) -> dict[str, Any]:
    """What a checked sample says. DataError where it cannot be read, UsageError where nothing is checked."""
    head, lines = _read(path)
    checked = [line for line in lines if line.get("checked") is True]
    if not checked:
        raise UsageError(f"no row of {path} is checked", hint=HOW)
    found, missed, wrong = (_total(checked, name, path) for name in ("found", "missed", "wrong"))
    kinds = sorted({*found, *missed})
    by_kind = {kind: figures(found[kind], wrong[kind], missed[kind]) for kind in kinds}
    whole = figures(sum(found.values()), sum(wrong.values()), sum(missed.values()))
    return {**head, "rows": len(checked), "of": len(lines), **whole, "by_kind": by_kind}


def figures(found: int, wrong: int, missed: int) -> dict[str, Any]:
    """Recall and precision of so many replacements, of which some were wrong, and so many that were missed."""
    right = max(0, found - wrong)
    recall, precision = wilson(right, right + missed), wilson(right, found)
    return {
        "found": found, "wrong": wrong, "missed": missed,
        "recall": _told(recall, right + missed), "precision": _told(precision, found),
    }  # fmt: skip


def _told(share: Share, of: int) -> dict[str, float] | None:
    return {"share": round(share.value, 4), "low": round(share.low, 4), "high": round(share.high, 4)} if of else None


def _read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    head: dict[str, Any] = {}
    lines = []
    for number, record in read_lines(path):
        if "sample" in record:
            head = {k: record["sample"].get(k, "") for k in ("run", "settings")}
        else:
            lines.append({**record, "line": number})
    return head, lines


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file of JSON lines, with their line. DataError where one is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", hint="tamis privacy sample draws one") from None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError("no object")
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}") from None
        yield number, record


def _total(lines: Sequence[dict[str, Any]], name: str, path: Path) -> Counter[str]:
    total: Counter[str] = Counter()
    for line in lines:
        counts = line.get(name) or {}
        good = isinstance(counts, dict) and all(type(n) is int and n >= 0 for n in counts.values())
        if not good:
            raise DataError(f"{path}:{line['line']}: `{name}` is {counts!r}, not counts by kind", hint=HOW)
        total.update(counts)
    return total


def keep(decisions: Path, figure: dict[str, Any]) -> Path:
    """Keep a figure beside the decisions of a recipe: it goes on the next card. Returns where."""
    path = kept_at(decisions)
    write_json(path, {**figure, "at": datetime.now(UTC).isoformat(timespec="seconds")}, durable=True)
    return path


def kept_at(decisions: Path) -> Path:
    """Where the figure of a recipe stands, beside `decisions/<recipe>.jsonl`."""
    return decisions.with_name(decisions.stem + ".recall.json")


def figure_for(decisions: Path, settings: str) -> dict[str, Any] | None:
    """The figure measured with the very same privacy settings; None where there is none."""
    kept = read_json(kept_at(decisions))
    return kept if kept and kept.get("settings") == settings else None
