"""Steps are ready when the first partition comes: what they load is loaded while inputs are read."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import tamis
from tamis.core.step import Step
from tamis.runner import warming
from tamis.runner.ingest import ingest
from tamis.runner.warming import Warming
from tamis.sources.files import Files


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """The steps that were got ready: address, thread, rows."""
    seen: list[tuple[str, str, int]] = []
    plain = warming.judge_safely

    def told(step: Step, frame: object) -> object:
        found = plain(step, frame)  # type: ignore[arg-type]
        seen.append((step.address(), threading.current_thread().name, len(found.outcome)))
        return found

    monkeypatch.setattr(warming, "judge_safely", told)
    return seen


def recipe(*steps: Step) -> tamis.Recipe:
    return tamis.Recipe(name="warm", steps=list(steps))


def test_own_row_steps_judge_two_rows_in_a_thread(judged: list[tuple[str, str, int]]) -> None:
    with Warming(
        recipe(tamis.step("map.auto"), tamis.step("clean.unicode"), tamis.step("filter.language", keep=["en"]))
    ) as one:
        one.start()
        one.start()
    assert judged == [(name, "tamis-warming", 2) for name in ("map.auto", "clean.unicode", "filter.language")]


def test_what_table_steps_gather_with_is_loaded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    step = tamis.step("dedup.exact")
    gathered: list[list[str]] = []
    plain = type(step).gather
    monkeypatch.setattr(type(step), "gather", lambda own, rows: gathered.append(list(rows.names)) or plain(own, rows))
    with Warming(recipe(step)) as one:
        one.start()
    assert gathered == [["id.high", "id.low", "messages"]]


def test_files_and_code_of_the_users_are_left_alone(judged: list[tuple[str, str, int]], tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("category\na\n")
    (tmp_path / "mine.py").write_text("raise SystemExit('run')\n")
    steps = [
        tamis.step("filter.listed", file=str(tmp_path / "labels.csv"), columns=["category"]),
        tamis.step("python", file=str(tmp_path / "mine.py"), function="keep"),
        tamis.step("filter.length", min=2),
    ]
    with Warming(recipe(*steps)) as one:
        one.start()
    assert [address for address, _, _ in judged] == ["filter.length"]
    assert [step.address() for step in one.steps] == ["filter.length"]


def test_a_step_that_fails_on_the_rows_stops_nothing(judged: list[tuple[str, str, int]]) -> None:
    steps = [tamis.step("filter.where", keep="nowhere > 1"), tamis.step("filter.roles")]
    with Warming(recipe(*steps)) as one:
        one.start()
    assert [address for address, _, _ in judged][-1] == "filter.roles"


def test_only_much_that_is_new_is_worth_it(tmp_path: Path) -> None:
    begun: list[str] = []

    def read(name: str) -> Callable[[], None]:
        return lambda: begun.append(name)

    source = Files(path="*.jsonl")
    for name, rows in (("small", 10), ("large", 50_000), ("again", 0)):
        if rows:
            text = "".join(json.dumps({"text": f"{name} {i} " + "word " * 20}) + "\n" for i in range(rows))
            (tmp_path / f"{name}.jsonl").write_text(text)
        ingest([source], root=tmp_path, store=tmp_path / "raw", at_work=read(name))
    assert begun == ["large"]
