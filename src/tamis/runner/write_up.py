"""What a run leaves behind in its folder: the ledger, the manifest, the gate that waits."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tamis import __version__
from tamis.core.fingerprint import fingerprint
from tamis.core.row import LINEAGE
from tamis.engine.cache import Cache
from tamis.engine.executor import side_by_side
from tamis.engine.stage import PartState
from tamis.engine.store import sync, write_json
from tamis.recipe.model import Recipe
from tamis.runs.decisions import Prefix
from tamis.runs.gates import write_gate_rows
from tamis.runs.ledger import link
from tamis.runs.rows import write_flow
from tamis.runs.workspace import Workspace

from .gate import GateAsk
from .ingest import Ingest
from .run import Flow
from .secrecy import Secrecy

if TYPE_CHECKING:
    from .ask import Asker

LIBRARIES = ("polars", "numpy", "numba", "pydantic", "ftfy", "pyyaml", "xxhash", "zstandard", "nanoarrow")


def write_ledger(
    folder: Path, workspace: Workspace, flow: Flow, taken: Ingest, cache: Cache, secrecy: Secrecy | None = None
) -> None:
    """The ledger of a run. Parts are links to what the steps wrote, so this costs little.

    With privacy steps, what earlier ones said in words is told without personal data.
    """
    secrecy = secrecy or Secrecy()
    hidden = secrecy.hidden(flow.logs) if secrecy.steps else 0
    names = [log.step.name for log in flow.logs]
    ledger = folder / "ledger"
    shutil.rmtree(ledger, ignore_errors=True)
    ledger.mkdir(parents=True)
    position = {key: index for index, key in enumerate(flow.keys)}
    parts = [(number, key) for number, log in enumerate(flow.logs[:hidden]) for key in log.parts]

    def tell(part: tuple[int, int]) -> str:
        number, key = part
        log = flow.logs[number]
        return secrecy.part(cache, log.parts[key], flow.states[position[key]], log.step, names[:number])

    told = dict(zip(parts, side_by_side(tell, parts), strict=True))
    steps = []
    for number, log in enumerate(flow.logs, 1):
        name = f"{number:02d}-{log.step.name.replace('/', '_')}"
        for key, fp in log.parts.items():
            entry = cache.get(fp)
            assert entry is not None, f"part {fp} was written in this run"
            path = told.get((number - 1, key), entry.files["part"].path)
            link(path, ledger / name / f"{position[key]:05d}.parquet")
        steps.append(
            {
                "name": log.step.name,
                "address": log.step.address(),
                "folder": name,
                "sentences": dict(log.step.reasons),
                **log.account.record(),
                **({"recordings": list(log.recordings)} if log.recordings else {}),
                **({"choice": log.choice} if log.choice else {}),
            }
        )
    for index, state in enumerate(flow.states):
        link(_lineage(cache, state), ledger / "rows" / f"{index:05d}.parquet")
    partitions = [
        {"source": state.source, "rows": state.rows, "born": bool("born.from" in state.columns)}
        for state in flow.states
    ]
    write_json(ledger / "partitions.json", {"partitions": partitions, "files": file_records(taken)})
    records = quarantine_records(taken)
    if secrecy.steps:
        records = [{**record, "message": "(not shown: the recipe takes personal data away)"} for record in records]
        write_json(ledger / "privacy.json", {"steps": secrecy.steps, "hidden": hidden})
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    (ledger / "quarantine.jsonl").write_text("".join(lines), encoding="utf-8")
    write_flow(folder / "flow.json", flow.states, workspace.root)
    for ask in flow.gates:
        if ask.rows is not None:
            rows = ask.rows.with_columns(pl.col("partition").replace_strict(position, return_dtype=pl.UInt32))
            record = {"step": ask.step, "question": ask.question, **_counts(ask), "waits": ask.waits, **ask.record}
            write_gate_rows(folder, record, rows)
    write_json(ledger / "steps.json", steps)


def _lineage(cache: Cache, state: PartState) -> str:
    """Where each row of a partition comes from, as a file of its own."""
    reader = state.reader()
    names = [*LINEAGE, *(["born.from"] if "born.from" in state.columns else [])]
    fp = fingerprint("lineage", state.content, [layer.stored.xxh3 for layer in state.layers if not layer.step])
    entry = cache.get(fp) or cache.put(
        fp, {"lineage": pl.DataFrame([reader.read(name).alias(name) for name in names])}, {}
    )
    return entry.files["lineage"].path


def file_records(taken: Ingest) -> list[dict[str, Any]]:
    """The files read: path, rows, bad lines, size, hash."""
    return [dict(record) if isinstance(record, dict) else _plain(record) for record in taken.files]


def quarantine_records(taken: Ingest) -> list[dict[str, Any]]:
    """The lines that could not be read."""
    return [dict(record) if isinstance(record, dict) else _plain(record) for record in taken.quarantined]


def _plain(record: Any) -> dict[str, Any]:
    return dict(record._asdict()) if hasattr(record, "_asdict") else asdict(record)


def write_gate(folder: Path, ask: GateAsk) -> None:
    """What a gate waits for."""
    write_json(folder / "gate.json", {"step": ask.step, "question": ask.question, **_counts(ask)})


def _counts(ask: GateAsk) -> dict[str, int]:
    return {"asked": ask.asked, "decided": ask.decided, "differing": ask.differing}


def write_manifest(
    folder: Path,
    recipe: Recipe,
    flow: Flow,
    taken: Ingest,
    outcomes: dict[str, int],
    delivered: Sequence[dict[str, Any]],
    prefix: Prefix,
    seconds: dict[str, float],
    warnings: list[str],
    privacy: dict[str, Any] | None = None,
    models: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Everything needed to rebuild the run, and to tell what it did."""
    manifest = {
        "tamis": __version__,
        "recipe": recipe.settings(),
        "recipe_fingerprint": recipe.fingerprint(),
        "run": folder.name,
        "seed": recipe.seed,
        "versions": {"python": platform.python_version(), **_versions()},
        "files": file_records(taken),
        "outcomes": outcomes,
        "steps": [
            {
                "name": log.step.name,
                "address": log.step.address(),
                **log.account.record(),
                "sentences": dict(log.step.reasons),
                **({"recordings": list(log.recordings)} if log.recordings else {}),
            }
            for log in flow.logs
        ],
        "reused_rows": {
            log.step.name: log.account.rows_in - min(log.account.rows_in, log.account.judged_rows) for log in flow.logs
        },
        "step_seconds": {log.step.name: round(log.account.seconds, 4) for log in flow.logs},
        "quarantined": {"count": taken.bad, "causes": dict(taken.causes)},
        "decisions": {"length": prefix.length, "sha256": prefix.sha256},
        **({"choices": choices} if (choices := [log.choice for log in flow.logs if log.choice]) else {}),
        "delivered": list(delivered),
        "cost": {"usd": models["usd"] if models else 0.0, **({"in_all": models["spent"]} if models else {})},
        **({"models": models} if models else {}),
        "warnings": list(dict.fromkeys(warnings)),
        "seconds": {name: round(value, 4) for name, value in seconds.items()},
        **({} if privacy is None else {"privacy": privacy}),
    }
    write_json(folder / "manifest.json", manifest, durable=True)
    (folder / "gate.json").unlink(missing_ok=True)
    sync(folder)
    return manifest


def model_record(recipe: Recipe, asker: Asker, workspace: Workspace) -> dict[str, Any] | None:
    """What the manifest says of models: who played which role on whose terms, what this run bought, and what was ever
    `spent` for the recipe (calls, usd, and `unknown`: the calls whose cost nobody told)."""
    if not recipe.calling():
        return None
    roles = sorted({role for step in recipe.calling() for role in step.roles()})
    told = {role: recipe.models[role].model_dump(mode="json", exclude_defaults=True) for role in roles}
    stats = asker.stats()
    prompts = {"prompts": asker.prompts} if asker.prompts else {}
    from tamis.llm.journal import NAME, Journal

    spent = {"calls": 0, "usd": 0.0, "unknown": 0}
    if (path := workspace.hidden / "recorded" / NAME).exists():
        with Journal(path) as journal:
            found = journal.spent(recipe.name)
        spent = {"calls": found.calls, "usd": found.usd, "unknown": found.unknown}
    return {"roles": told, **prompts, "usd": stats.get("usd", 0.0), "bought": stats, "spent": spent}


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
