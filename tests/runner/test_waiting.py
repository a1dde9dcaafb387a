"""`run --wait`: a run that stays at a gate, and goes on by itself."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from tamis.core.errors import DataError, WorkspaceBusy
from tamis.runs.decisions import Decision, append
from tamis.runs.workspace import Workspace, read_state

from ..reliability.workshop import Process
from ..runs.reviewed import Reviewed


class Waits:
    """A run with --wait in a process of its own, at its gate."""

    def __init__(self, desk: Reviewed, *words: str) -> None:
        self.desk = desk
        (desk.folder / "recipe.yaml").write_text(desk.text, encoding="utf-8")
        self.process = Process(desk.folder, "--wait", "--json", *words)
        end = time.monotonic() + 90
        while time.monotonic() < end and self.process.inner.poll() is None and not self.waits():
            time.sleep(0.05)

    def waits(self) -> bool:
        status = read_state(self.desk.folder / "runs/reviewed/1").get("status")
        return status == "waiting" and self.free()

    def free(self) -> bool:
        """Whether nobody holds the workspace."""
        try:
            with Workspace(self.desk.folder).lock():
                return True
        except (WorkspaceBusy, DataError):
            return False


@pytest.fixture
def desk(tmp_path: Path) -> Reviewed:
    return Reviewed(tmp_path / "w", "question: Is it right?\nundecided: keep")


def test_it_goes_on_when_the_last_row_is_decided_and_not_before(desk: Reviewed) -> None:
    waits = Waits(desk)
    queue = desk.queue()
    for one in desk.ids()[:-1]:
        queue.decide("ann", one, "reject")
    time.sleep(1.5)
    assert waits.process.inner.poll() is None
    queue.decide("ann", desk.ids()[-1], "accept")
    said = waits.process.end()
    assert said.code == 0
    assert json.loads(said.out)["outcomes"]["kept"] == 1
    assert json.loads(said.out)["run"].endswith("/1")
    assert "gate 'look' waits: 6 of 6 rows are undecided. Is it right?" in said.err
    assert f"tamis decide look -w {desk.folder}" in said.err
    assert said.err.count("gate 'look' waits") == 1


def test_it_goes_on_when_the_gate_is_closed(desk: Reviewed) -> None:
    waits = Waits(desk)
    append(desk.decisions, [Decision("close", "look")])
    said = waits.process.end()
    assert (said.code, len(desk.delivered())) == (0, 6)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_it_waits_it_can_be_resumed(desk: Reviewed, number: int) -> None:
    waits = Waits(desk)
    time.sleep(0.7)
    waits.process.signal(number)
    said = waits.process.end()
    assert (said.code, said.out) == (130, "")
    assert said.err.endswith("tamis: interrupted; run the same command again to go on\n")
    desk.accept_rest()
    assert desk.run().folder.name == "1"


def test_somebody_else_may_run_it_to_its_end(desk: Reviewed) -> None:
    waits = Waits(desk)
    waits.process.signal(signal.SIGSTOP)  # else it is the first to go on
    desk.accept_rest()
    desk.run()
    waits.process.signal(signal.SIGCONT)
    said = waits.process.end()
    assert said.code == 0
    assert json.loads(said.out)["outcomes"]["kept"] == 6
    assert [path.name for path in (desk.folder / "runs/reviewed").iterdir()] == ["1"]


def test_decisions_that_are_replayed_are_waited_for_too(desk: Reviewed, tmp_path: Path) -> None:
    replayed = tmp_path / "other.jsonl"
    waits = Waits(desk, "--decisions", str(replayed))
    append(replayed, [Decision("accept", "look", one) for one in desk.ids()])
    said = waits.process.end()
    assert (said.code, len(desk.delivered())) == (0, 6)
