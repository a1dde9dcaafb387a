"""Records `decisions.jsonl`: plays the part of the people at the two gates, by rules that are written here.

    python record_decisions.py

A decision names rows and clusterings by what is in them; once a step before the gates judges otherwise, record anew.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tamis.engine.clusterings import FOLDER, load
from tamis.runs.clusterings import Clusterings
from tamis.runs.decide import Desk
from tamis.runs.rows import RunRows

HERE = Path(__file__).parent
FILES = ("recipe.yaml", "query.sql", "log.db")
CHOSEN, OTHER = "by-wish", "by-mail"
CANDIDATES = ("by-mail", "by-density", "by-wish")
WHO = "linguist"
WHY = (
    "Mails on one subject are answered in opposite ways; what a user wants to say is what the model must learn. The "
    "clusters of wishes tell declining from asking, and each is large enough to give twenty rows."
)
#: rows that each cluster must be able to give
EACH = 20
#: replies of fewer words than this are rejected at the second gate
SHORT = 16


def run(folder: Path) -> int:
    """Run the recipe; 0, or 3 where it waits."""
    done = subprocess.run(
        [sys.executable, "-m", "tamis", "run", "recipe.yaml", "--json"], cwd=folder, capture_output=True, text=True
    )
    if done.returncode not in (0, 3):
        sys.exit(done.stderr)
    return done.returncode


def merges(folder: Path, root: str) -> list[list[int]]:
    """Clusters that become one: each that is too small goes into its nearest neighbour, smallest first."""
    made = load(folder / ".tamis/recorded" / FOLDER / root)
    sizes = {c: one.rows for c, one in enumerate(made.clusters)}
    centres = made.centres.astype(np.int64)
    found = []
    while min(sizes.values()) < EACH:
        small = min(sizes, key=lambda c: (sizes[c], c))
        near = max((c for c in sizes if c != small), key=lambda c: (int(centres[c] @ centres[small]), -c))
        sizes[near] += sizes.pop(small)
        found.append([near, small])
    return found


def first_gate(folder: Path) -> None:
    """Look at everything, merge what is too small, shortlist two, choose one."""

    def say(kind: Any, name: str, why: str | None = None, **more: Any) -> None:
        Clusterings(folder / "runs/email-replies/1").decide(kind, {"clustering": name, **more}, who=WHO, why=why)

    for name in CANDIDATES:
        say("look", name)
    root = next(p.name for p in (folder / ".tamis/recorded" / FOLDER).glob(f"{CHOSEN}-*") if p.is_dir())
    for pair in merges(folder, root):
        say("merge", CHOSEN, "too small to give twenty rows", clusters=pair)
    run(folder)
    say("look", CHOSEN)
    for name in (CHOSEN, OTHER):
        say("shortlist", name)
    say("choose", CHOSEN, WHY)


def second_gate(folder: Path) -> None:
    """Accept what waits, but for replies of a few words, which are rejected; until nothing waits."""
    while run(folder) == 3:
        desk = Desk(folder, "email-replies")
        waiting = [row["id"] for row in desk.waiting("review.gate", 1000)["rows"]]
        rows = RunRows(desk.run)
        words = {}
        for row in waiting:
            found = desk.ledger.find(row)[0]
            [record] = rows.records(found.partition, [found.row])
            words[row] = len(record["messages"][-1]["content"].split())
        short = [row for row in waiting if words[row] < SHORT]
        if short:
            desk.decide("review.gate", "reject", short, every=False, why="too short to learn from", who=WHO)
        good = [row for row in waiting if row not in short]
        if good:
            desk.decide("review.gate", "accept", good, every=False, why=None, who=WHO)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=HERE / "decisions.jsonl")
    into: Path = parser.parse_args().into
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in FILES:
            shutil.copy(HERE / name, folder)
        if run(folder) != 3:
            sys.exit("the recipe did not stop at its first gate")
        first_gate(folder)
        second_gate(folder)
        shutil.copy(folder / "decisions/email-replies.jsonl", into)
    print(f"{into}: {len(into.read_text(encoding='utf-8').splitlines())} decisions")  # noqa: T201


if __name__ == "__main__":
    main()
