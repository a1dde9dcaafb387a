"""Privacy: what was replaced, by kind and never what stood there; the sample by which people measure what was missed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from tamis.core.errors import UsageError
from tamis.engine.store import disk_error, sync, writing
from tamis.runs import recall
from tamis.runs.questions import plain_text

from .. import room_shapes, shapes
from ..asked import Asked
from ..opened import Opened
from ..problems import NotThere, Refused

#: rows of the sample told at a time, characters of one
PAGE, TEXT = 50, 20_000
_TAG = re.compile(r"\[([A-Z][A-Z0-9_]*)\]|•••")


def privacy(asked: Asked) -> room_shapes.Privacy:
    """What the privacy steps of a run replaced, and how much of it was found, as far as people checked."""
    run = asked.run
    steps = [_replaced(run, one) for one in run.ledger.steps if str(one.get("address", "")).startswith("privacy.")]
    path = _sample(asked, run)
    lines = _lines(path)
    checked = sum(one.get("checked") is True for one in lines)
    return room_shapes.Privacy(
        steps=steps,
        recall=_recall(asked, run),
        sample=len(lines),
        checked=checked,
        command="tamis privacy sample --rows 200" if not lines else f"tamis privacy score {_near(asked, path)}",
    )


def _replaced(run: Opened, step: Mapping[str, Any]) -> room_shapes.Replaced:
    counts: Counter[str] = Counter()
    rows = 0
    for index in range(len(run.starts) - 1):
        path = run.ledger.folder / step["folder"] / f"{index:05d}.parquet"
        if not path.exists() or "evidence.found" not in pl.read_parquet_schema(path):
            continue
        words = pl.read_parquet(path, columns=["evidence.found"])["evidence.found"].drop_nulls()
        rows += len(words)
        for text, n in words.value_counts(name="n").iter_rows():
            for word in text.split(", "):
                kind, _, number = word.rpartition(" ")
                counts[kind] += int(number) * n
    return room_shapes.Replaced(step=step["name"], kinds=dict(sorted(counts.items())), rows=rows)


def _recall(asked: Asked, run: Opened) -> shapes.Figure | None:
    """The figure that was measured with this run's settings."""
    settings = run.manifest.get("privacy", {}).get("settings", "")
    told = recall.figure_for(asked.site.workspace.decisions(run.recipe), settings) if settings else None
    if not told or not told.get("recall"):
        return None
    one = told["recall"]
    n = int(told.get("found", 0)) - int(told.get("wrong", 0)) + int(told.get("missed", 0))
    return shapes.Figure(name="recall", value=one["share"], low=one["low"], high=one["high"], n=n)


def sample(asked: Asked) -> room_shapes.PrivacySample:
    """Rows of the sample as they are delivered."""
    run = asked.run
    lines = _lines(_sample(asked, run))
    offset, limit = asked.number("offset", 0, 1 << 40), asked.number("limit", 20, PAGE)
    return room_shapes.PrivacySample(
        total=len(lines), rows=[_card(one) for one in lines[offset : offset + limit]], kinds=_kinds(run)
    )


def _kinds(run: Opened) -> list[str]:
    told = run.ledger.folder / "privacy.json"
    steps = json.loads(told.read_text(encoding="utf-8")).get("steps", {}) if told.exists() else {}
    return list(dict.fromkeys(kind for one in steps.values() for kind in one.get("kinds", ())))


def _card(line: Mapping[str, Any]) -> room_shapes.PrivacyCard:
    text = plain_text(dict(line.get("row") or {}))[:TEXT]
    spans = [{"start": m.start(), "end": m.end(), "kind": (m[1] or "masked").lower()} for m in _TAG.finditer(text)]
    return room_shapes.PrivacyCard(
        id=str(line.get("id", "")),
        text=text,
        spans=spans,
        checked=line.get("checked") is True,
        **{name: _counts(line.get(name)) for name in ("missed", "wrong", "found")},
    )


def _counts(told: Any) -> dict[str, int]:
    return {str(k): v for k, v in told.items() if type(v) is int and v >= 0} if isinstance(told, dict) else {}


def check_privacy(asked: Asked) -> room_shapes.Privacy:
    """Write down what a person saw in one row; the figure is worked out anew. 404 where the row is not of the sample."""
    run, body = asked.run, asked.body
    path = _sample(asked, run)
    known = set(_kinds(run))
    for counts in (body.missed, body.wrong):
        if bad := [kind for kind, n in counts.items() if kind not in known or not 0 <= n <= 10_000]:
            raise Refused(400, f"{bad[0]!r} is no kind with a count", hint=f"kinds: {', '.join(sorted(known))}")
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        raise NotThere("there is no sample", hint="tamis privacy sample --rows 200") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        _write(path, body)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        os.close(handle)
    with contextlib.suppress(UsageError):  # nothing is checked any more
        recall.keep(asked.site.workspace.decisions(run.recipe), recall.score(path))
    return privacy(asked)


def _write(path: Path, body: room_shapes.PrivacyCheck) -> None:
    lines, found = [], False
    for _, line in recall.read_lines(path):
        if "sample" not in line and line.get("id") == body.id:
            line |= {"checked": body.checked, "missed": body.missed, "wrong": body.wrong}
            found = True
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    if not found:
        raise NotThere(f"row {body.id} is not of the sample")
    with writing(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")
        sync(temporary)
    sync(path.parent)


def _sample(asked: Asked, run: Opened) -> Path:
    return asked.site.workspace.root / "decisions" / f"{run.recipe}.sample.jsonl"


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [line for _, line in recall.read_lines(path) if "sample" not in line]


def _near(asked: Asked, path: Path) -> str:
    return str(path.relative_to(asked.site.workspace.root))
