"""Questions about runs: who left where, and how two runs differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from tamis.core.errors import DataError
from tamis.engine.ids import hex_ids

from .ledger import Ledger
from .rows import RunRows


def dropped_rows(ledger: Ledger, step: str, reason: str | None, limit: int) -> tuple[list[dict[str, Any]], int]:
    """The first `limit` rows that left at a step: id, outcome, reason, into, evidence, file, line, text; and how many there are."""
    number = [s["name"] for s in ledger.steps].index(ledger.step(step)["name"])
    before = [s["name"] for s in ledger.steps[:number]]
    rows: list[dict[str, Any]] = []
    total = 0
    for partition, lines in ledger.left(ledger.step(step)["name"], reason):
        total += lines.height
        room = limit - len(rows)
        if room <= 0:
            continue
        shown = lines.head(room)
        texts = _texts(ledger.run, partition, shown["row"].to_list(), before)
        for line, text in zip(shown.iter_rows(named=True), texts, strict=True):
            rows.append(
                {
                    "id": line["id"],
                    "outcome": line["outcome"],
                    "reason": line["reason"] or None,
                    "into": line.get("into"),
                    "evidence": {
                        k.removeprefix("evidence."): v
                        for k, v in line.items()
                        if k.startswith("evidence.") and v is not None
                    },
                    "file": ledger.file_name(line["at.file"]),
                    "line": line["at.line"],
                    "text": text,
                }
            )
    return rows, total


def _texts(run: Path, partition: int, rows: list[int], steps: list[str]) -> list[str | None]:
    """What rows said when they left; None where the workspace no longer has it."""
    try:
        records = RunRows(run).told(partition, rows, steps=steps)
    except DataError:
        return [None] * len(rows)
    return [plain_text(record) for record in records]


def plain_text(record: dict[str, Any]) -> str:
    """A row on one string: its turns, or its source columns."""
    messages = record.get("messages")
    if messages:
        return " ⏎ ".join((m["content"] or "") for m in messages if m["role"] != "system")
    if record.get("text") is not None:
        return str(record["text"])
    return " | ".join(str(v) for k, v in record.items() if k.startswith("source.") and v is not None)


def compare(a: Path, b: Path, limit: int = 20) -> dict[str, Any]:
    """How run b differs from run a: rows only in one, rows kept in one and not in the other, with where they left."""
    ends_a, ends_b = _ends(a), _ends(b)
    joined = ends_a.join(ends_b, on="id", how="full", suffix="_b", coalesce=True)
    only_a = joined.filter(pl.col("end_b").is_null())
    only_b = joined.filter(pl.col("end").is_null())
    both = joined.filter(pl.col("end").is_not_null() & pl.col("end_b").is_not_null())
    lost = both.filter((pl.col("end") == "") & (pl.col("end_b") != ""))
    won = both.filter((pl.col("end") != "") & (pl.col("end_b") == ""))
    moved = both.filter((pl.col("end") != "") & (pl.col("end_b") != "") & (pl.col("end") != pl.col("end_b")))

    def told(frame: pl.DataFrame) -> dict[str, Any]:
        counts = frame.group_by("end", "end_b").len().sort("len", "end", "end_b", descending=[True, False, False])
        ways = [
            {
                "from": r["end"] or ("kept" if r["end"] == "" else None),
                "to": r["end_b"] or ("kept" if r["end_b"] == "" else None),
                "rows": r["len"],
            }
            for r in counts.iter_rows(named=True)
        ]
        return {"rows": frame.height, "ways": ways, "ids": sorted(frame["id"].to_list())[:limit]}

    return {
        "a": str(a),
        "b": str(b),
        "rows_a": ends_a.height,
        "rows_b": ends_b.height,
        "gone": told(only_a),
        "new": told(only_b),
        "lost": told(lost),
        "won": told(won),
        "moved": told(moved),
        "recipe": _recipe_changes(a, b),
    }


def _ends(run: Path) -> pl.DataFrame:
    """id, and the step each row left at ('' where kept)."""
    ledger = Ledger(run)
    names = ["", *(step["name"] for step in ledger.steps)]
    frames = []
    for index, end in enumerate(ledger.final()):
        rows = ledger.rows(index)
        ids = hex_ids(rows["id.high"].to_numpy(), rows["id.low"].to_numpy())
        frames.append(pl.DataFrame([ids, pl.Series("end", [names[k] for k in end], dtype=pl.String)]))
    return pl.concat(frames) if frames else pl.DataFrame(schema={"id": pl.String, "end": pl.String})


def _recipe_changes(a: Path, b: Path) -> list[str]:
    """The lines of the recipe's YAML that differ, as a unified diff without its head."""
    import difflib
    import json

    import yaml

    texts = []
    for run in (a, b):
        try:
            recipe = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["recipe"]
        except (OSError, ValueError, KeyError):
            return []
        texts.append(yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True).splitlines())
    return list(difflib.unified_diff(texts[0], texts[1], lineterm="", n=1))[2:]
