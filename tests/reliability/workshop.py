"""A workshop for breaking runs: made-up rows in many small partitions, runs in other processes, what to compare."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tamis.core.row import id_text
from tamis.recipe.load import load
from tamis.runner.execute import Options, RunResult, execute
from tamis.runs import report
from tamis.runs.ledger import Ledger
from tamis.runs.workspace import read_state
from tamis.sources import _text

#: the heavy loops run too
LONG = bool(os.environ.get("TAMIS_LONG"))
#: bytes of a slice, so that a few hundred kilobytes make many partitions
SLICE = 45_000

RECIPE = """
tamis: 1
name: mill
seed: 7
max_quarantined: 0.02
sources:
  - {use: files, name: chats, path: "chats*.jsonl"}
  - use: files
    name: sheet
    path: sheet.csv
    id: [key]
    map:
      - {use: map.template, id: sheet-map, user: "{question}", assistant: "{answer}"}
steps:
  - {use: map.auto, where: "messages is null"}
  - {use: clean.unicode}
  - {use: clean.whitespace}
  - {use: filter.empty, in: prompt}
  - {use: filter.length, min: 2}
  - {use: filter.where, id: not-spam, drop: "topic = 'spam'"}
  - {use: filter.roles}
  - {use: dedup.exact, on: prompt}
  - {use: filter.length, id: short-enough, in: all, max: 60}
  - {use: split.stratified, by: topic, shares: {train: 0.8, test: 0.2}}
deliver:
  - {use: openai_chat, path: dist/chat}
  - {use: parquet, path: dist/table, row_id: id}
"""

_WORDS = [
    "where",
    "is",
    "my",
    "order",
    "it",
    "has",
    "not",
    "come",
    "and",
    "the",
    "box",
    "was",
    "empty",
    "who",
    "can",
    "help",
    "me",
    "with",
    "a",
    "refund",
    "please",
    "now",
]
_TOPICS = ("orders", "billing", "returns", "spam")
_DIRT = (
    "",
    "  ",
    "don\u2019t",
    "caf\u00c3\u00a9",
    "a\u00a0b",
    "tab\there",
    "\u202eleft",
    "\U0001f44d\U0001f3fd",
    "e\u0301",
    "x  y",
)


def records(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Made-up rows: about one in ten is a copy, one in twenty is dirty or empty."""
    rng = random.Random(seed)
    made: list[dict[str, Any]] = []
    for number in range(count):
        if made and rng.random() < 0.1:
            made.append(dict(rng.choice(made)))
            continue
        prompt = f"{rng.choice(_WORDS)} {number} " + " ".join(rng.choices(_WORDS, k=rng.randint(2, 30)))
        answer = " ".join(rng.choices(_WORDS, k=rng.randint(1, 40)))
        if rng.random() < 0.1:
            prompt += " " + rng.choice(_DIRT)
        if rng.random() < 0.05:
            answer = rng.choice(_DIRT)
        made.append({"prompt": prompt, "completion": answer, "topic": rng.choice(_TOPICS)})
    return made


def write_lines(path: Path, rows: list[dict[str, Any]], bad: int = 0) -> None:
    """Rows as JSON lines, with a broken line after each of the first `bad` hundreds."""
    lines: list[str] = []
    for number, row in enumerate(rows, 1):
        lines.append(json.dumps(row, ensure_ascii=False))
        if number % 100 == 0 and number // 100 <= bad:
            lines.append('{"prompt": "cut o')
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def set_up(folder: Path, recipe: str = RECIPE, rows: int = 400) -> Path:
    """A workspace that has not run: a recipe and its sources."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    write_lines(folder / "chats-1.jsonl", records(rows), bad=3)
    write_lines(folder / "chats-2.jsonl", records(rows // 2, seed=2))
    quote = '"{}"'.format
    sheet = [
        ",".join([f"K{n}", quote(r["prompt"]), quote(r["completion"]), r["topic"]])
        for n, r in enumerate(records(rows // 4, seed=3))
    ]
    (folder / "sheet.csv").write_text("\n".join(["key,question,answer,topic", *sheet, ""]), encoding="utf-8")
    return folder


def run(folder: Path, *, workers: int = 2, **options: Any) -> RunResult:
    """The workspace's recipe, run in this process; no report is drawn, which would take half of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "look", lambda folder: {"gone": "not looked at"})
        patch.setattr(report, "write_report", lambda folder, looked: None)
        return execute(load(folder / "recipe.yaml"), folder, Options(workers=workers, **options))


@contextmanager
def small_slices(size: int = SLICE) -> Iterator[None]:
    """Many partitions from little text, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_text, "SLICE", size)
        yield


class Said(NamedTuple):
    """What a process answered."""

    code: int
    out: str
    err: str


class Process:
    """`tamis run` in a process of its own, its own group's leader."""

    def __init__(self, folder: Path, *words: str, limit: int | None = None, **env: str) -> None:
        command = [sys.executable, "-m", "tamis", "run", str(folder / "recipe.yaml"), "--progress", "none", *words]
        environment = {**os.environ, "TAMIS_SLICE_BYTES": str(SLICE), "PYTHONWARNINGS": "default", **env}
        if limit is not None:  # bytes that a file may have
            command = ["prlimit", f"--fsize={limit}", *command]
        self.folder = folder
        self.inner = subprocess.Popen(
            command,
            env=environment,
            cwd=folder.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def wait_for(self, path: str) -> None:
        """Return once a file stands in the workspace, or the process has ended."""
        while not (self.folder / path).exists() and self.inner.poll() is None:
            time.sleep(0.002)

    def kill(self) -> None:
        """As a power cut would, with all its children."""
        os.killpg(self.inner.pid, signal.SIGKILL)

    def signal(self, number: int) -> None:
        self.inner.send_signal(number)

    def end(self, timeout: float = 120) -> Said:
        """Wait for it to end."""
        try:
            out, err = self.inner.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            self.inner.communicate()
            raise
        return Said(self.inner.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def tamis(folder: Path, *words: str, limit: int | None = None, **env: str) -> Said:
    """`tamis run` in a process of its own, to its end."""
    return Process(folder, *words, limit=limit, **env).end()


def delivered(folder: Path) -> dict[str, str]:
    """Every data file delivered: path → sha256. What only describes a delivery is left out."""
    found = {}
    for path in sorted((folder / "dist").rglob("*")):
        if path.is_file() and path.name not in ("manifest.json", "README.md", "SHA256SUMS"):
            name = str(path.relative_to(folder))
            if "/." not in name:
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def whole(folder: Path) -> bool:
    """Whether every delivery that stands in a workspace is whole: its files are those its manifest tells."""
    for target in (folder / "dist").glob("[!.]*") if (folder / "dist").exists() else ():
        manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        for file in manifest["files"]:
            data = (target / file["path"]).read_bytes()
            if (len(data), hashlib.sha256(data).hexdigest()) != (file["size"], file["sha256"]):
                return False
    return True


def leftovers(folder: Path) -> list[str]:
    """What a killed run must not leave for ever: temporary files, staged deliveries."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob(".*")
        if path.name.endswith((".tmp", ".new")) and path.name != ".tamis"
    )


Life = tuple[str, str, int, tuple[tuple[str, str, str | None, str | None], ...]]


def lives(run_folder: Path) -> dict[str, Life]:
    """The whole ledger by row: id → source, file, line, and what each step said where it did not keep."""
    ledger = Ledger(run_folder)
    found: dict[str, Life] = {}
    said: dict[tuple[int, int], list[tuple[str, str, str | None, str | None]]] = {}
    for step in ledger.steps:
        for index in range(len(ledger.partitions())):
            part = ledger.part(step, index)
            for line in () if part is None else part.iter_rows(named=True):
                if line["outcome"] != "kept":
                    told = (step["name"], line["outcome"], line["reason"] or None, line.get("into"))
                    said.setdefault((index, line["row"]), []).append(told)
    for index, partition in enumerate(ledger.partitions()):
        for row, line in enumerate(ledger.rows(index).iter_rows(named=True)):
            name = id_text(line["id.high"], line["id.low"])
            assert name not in found, f"two rows have the id {name}"
            told = tuple(said.get((index, row), ()))
            found[name] = (partition["source"], ledger.file_name(line["at.file"]), line["at.line"], told)
    return found


class Outcome(NamedTuple):
    """What must be the same whatever happened on the way."""

    delivered: dict[str, str]
    totals: dict[str, int]
    accounts: list[dict[str, Any]]
    lives: dict[str, Life]
    quarantined: list[dict[str, Any]]


def outcome(folder: Path, run_folder: Path | None = None) -> Outcome:
    """The outcome of a workspace's last run."""
    runs = sorted((folder / "runs").glob("*/*"), key=lambda path: int(path.name))
    last = run_folder or runs[-1]
    assert read_state(last)["status"] == "done"
    manifest = json.loads((last / "manifest.json").read_text(encoding="utf-8"))
    accounts = [{k: v for k, v in step.items() if k != "sentences"} for step in manifest["steps"]]
    return Outcome(delivered(folder), manifest["outcomes"], accounts, lives(last), Ledger(last).quarantined())


def fresh(folder: Path, *names: str) -> Path:
    """A new workspace beside `folder` with the same inputs (and files `names`), where nothing ran."""
    other = folder.with_name(folder.name + "-fresh")
    shutil.rmtree(other, ignore_errors=True)
    other.mkdir()
    for path in folder.iterdir():
        if path.is_file():
            shutil.copy(path, other / path.name)
    if (folder / "decisions").exists():
        shutil.copytree(folder / "decisions", other / "decisions")
    return other
