"""Call steps in a run: asked once, kept when a run stops, judged like any other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from tamis._scripted import ScriptedModels
from tamis.core.calls import Answer, Ask, AskedRow, CallBirthStep, CallFailed, CallStep, Models
from tamis.core.columns import Columns
from tamis.core.errors import BudgetReached, Interrupted, RecipeError
from tamis.core.events import CallsProgress, Event
from tamis.core.outcome import Verdict, change, keep
from tamis.recipe.load import parse
from tamis.recipe.model import Recipe
from tamis.runner import ask as asking
from tamis.runner import execute as executing
from tamis.runner.execute import Options, execute
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.filter.length import Length


class Shout(CallStep):
    """Ask for the text in capitals."""

    version: ClassVar[int] = 1
    reasons: ClassVar[dict[str, str]] = {"silent": "the model says nothing"}
    sets: ClassVar[tuple[str, ...]] = ("said",)
    role: str = "annotator"
    of_all: bool = False

    def reads(self) -> tuple[str, ...]:
        return ("inquiry",)

    def pool(self) -> tuple[str, ...]:
        return ("inquiry",) if self.of_all else ()

    async def ask(self, row: AskedRow, models: Models) -> Any:
        text = row["inquiry"]
        if self.of_all:
            text = f"{text} of {len(row.pool['inquiry'])}"
        reply = await models.chat(self.role, Ask(messages=({"role": "user", "content": text},)))
        return {"said": reply.text}

    def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
        said = pl.Series([a.value["said"] if a.value else None for a in answers], dtype=pl.String)
        return change(said=said).drop("silent", when=said == "")


class Twins(CallBirthStep):
    """Two children a row, as the model names them."""

    role: str = "annotator"

    def reads(self) -> tuple[str, ...]:
        return ("inquiry",)

    async def ask(self, row: AskedRow, models: Models) -> Any:
        return (await models.chat(self.role, Ask(messages=({"role": "user", "content": row["inquiry"]},)))).text.split()

    def settle(self, answers: Sequence[Answer]) -> Sequence[Answer]:
        seen: set[str] = set()
        made = []
        for answer in answers:
            fresh = [name for name in answer.value or [] if name not in seen]
            seen.update(fresh)
            made.append(answer._replace(value=fresh))
        return made

    def bear_answers(self, rows: Columns, answers: Sequence[Answer]) -> tuple[pl.Series, pl.DataFrame, Verdict]:
        pairs = [(place, name) for place, answer in enumerate(answers) for name in answer.value or []]
        parents = pl.Series([place for place, _ in pairs], dtype=pl.UInt32)
        return parents, pl.DataFrame({"name": pl.Series([n for _, n in pairs], dtype=pl.String)}), keep()


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> ScriptedModels:
    """What plays every role: a script that shouts, and can be told to fail."""
    scripted = ScriptedModels(lambda role, asked: asked.messages[-1]["content"].upper())

    @asynccontextmanager
    async def opened() -> AsyncIterator[ScriptedModels]:
        yield scripted

    def asker(recipe: Recipe, workspace: Any, emit: Any, check: Callable[[], None]) -> asking.Asker:
        return asking.Asker(opened, slots=4, emit=emit, check=check)

    monkeypatch.setattr(executing, "asker_of", asker)
    return scripted


def recipe(rows: list[dict[str, Any]], *steps: Any, **more: Any) -> Recipe:
    return Recipe(
        name="shout",
        models={"annotator": "local/none"},
        sources=[Frames(data=rows, name="inbox")],
        steps=[*steps],
        max_quarantined=1.0,
        deliver=[Jsonl(path="dist/out")],
        **more,
    )


def inquiries(*texts: str) -> list[dict[str, Any]]:
    return [{"inquiry": text} for text in texts]


def account(result: Any, step: str) -> dict[str, int]:
    [found] = [one for one in result.manifest["steps"] if one["name"] == step]
    return {key: found[key] for key in ("in", "born", "kept", "dropped", "merged", "held", "quarantined") if found[key]}


def delivered(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "dist/out/data.jsonl").read_text().split("\n") if line]


def asked(models: ScriptedModels) -> list[str]:
    return sorted(ask.messages[-1]["content"] for _, ask in models.asked)


def test_rows_are_asked_judged_and_delivered(tmp_path: Path, models: ScriptedModels) -> None:
    result = execute(recipe(inquiries("where is it", "", "thanks"), Shout(id="shout")), tmp_path)
    assert account(result, "shout") == {"in": 3, "kept": 2, "dropped": 1}
    assert delivered(tmp_path) == [
        {"inquiry": "where is it", "said": "WHERE IS IT"},
        {"inquiry": "thanks", "said": "THANKS"},
    ]


def test_nothing_is_asked_twice(tmp_path: Path, models: ScriptedModels) -> None:
    first = recipe(inquiries("a b", "c d"), Shout(id="shout"))
    execute(first, tmp_path)
    models.asked.clear()
    execute(first, tmp_path)
    assert models.asked == []
    execute(recipe(inquiries("a b", "c d"), Shout(id="shout"), Length(view="column:inquiry", max=9)), tmp_path)
    assert models.asked == []  # a later step changes nothing before it
    execute(recipe(inquiries("a b", "c d", "e f"), Shout(id="shout")), tmp_path)
    assert asked(models)[-1] == "e f"
    models.asked.clear()
    other = first.model_copy(update={"models": parse("{tamis: 1, name: x, models: {annotator: local/other}}").models})
    execute(other, tmp_path)
    assert asked(models) == ["a b", "c d"]


def test_a_row_that_joins_others_alone_is_asked(tmp_path: Path, models: ScriptedModels) -> None:
    rows = inquiries("one two three", "one")
    execute(recipe(rows, Length(view="column:inquiry", min=2), Shout(id="shout")), tmp_path)
    assert asked(models) == ["one two three"]
    models.asked.clear()
    execute(recipe(rows, Length(view="column:inquiry", min=1), Shout(id="shout")), tmp_path)
    assert asked(models) == ["one"]


def test_where_asks_of_the_rows_it_names(tmp_path: Path, models: ScriptedModels) -> None:
    step = Shout(id="shout", where="inquiry <> 'b'")
    result = execute(recipe(inquiries("a", "b"), step), tmp_path)
    assert asked(models) == ["a"]
    assert [row["said"] for row in delivered(tmp_path)] == ["A", None]
    assert account(result, "shout") == {"in": 2, "kept": 2}


def test_a_failed_call_is_quarantined_and_tried_again(tmp_path: Path, models: ScriptedModels) -> None:
    good = models.script
    models.script = lambda role, ask: (
        CallFailed("server", "it kept failing") if ask.messages[-1]["content"] == "b" else good(role, ask)
    )
    result = execute(recipe(inquiries("a", "b"), Shout(id="shout")), tmp_path)
    assert account(result, "shout") == {"in": 2, "kept": 1, "quarantined": 1}
    models.asked.clear()
    models.script = good
    result = execute(recipe(inquiries("a", "b"), Shout(id="shout")), tmp_path)
    assert asked(models) == ["b"]
    assert account(result, "shout") == {"in": 2, "kept": 2}


def test_a_lasting_failure_is_not_asked_again_and_may_keep_its_row(tmp_path: Path, models: ScriptedModels) -> None:
    good = models.script
    models.script = lambda role, ask: (
        CallFailed("schema", "no JSON", lasting=True) if ask.messages[-1]["content"] == "b" else good(role, ask)
    )
    execute(recipe(inquiries("a", "b"), Shout(id="shout")), tmp_path)
    models.asked.clear()
    result = execute(recipe(inquiries("a", "b"), Shout(id="shout", failed="keep")), tmp_path)
    assert account(result, "shout") == {"in": 2, "kept": 2}
    assert [row["said"] for row in delivered(tmp_path)] == ["A", None]


def test_what_was_answered_before_a_stop_is_not_asked_again(tmp_path: Path, models: ScriptedModels) -> None:
    rows = inquiries(*(f"row {n}" for n in range(60)))
    good = models.script
    models.script = lambda role, ask: BudgetReached("spent") if len(models.asked) > 30 else good(role, ask)
    with pytest.raises(BudgetReached):
        execute(recipe(rows, Shout(id="shout")), tmp_path)
    first = len(models.asked)
    assert 30 < first < 60
    models.script = good
    result = execute(recipe(rows, Shout(id="shout")), tmp_path)
    assert len(models.asked) - first == 30
    assert account(result, "shout") == {"in": 60, "kept": 60}


def test_ctrl_c_while_asking_keeps_the_answers(tmp_path: Path, models: ScriptedModels) -> None:
    import os
    import signal

    rows = inquiries(*(f"row {n}" for n in range(400)))
    good = models.chat

    async def slowly(role: str, ask: Ask) -> Any:
        import asyncio

        reply = await good(role, ask)
        if len(models.asked) == 100:
            os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.02 if len(models.asked) < 100 else 60)
        return reply

    models.chat = slowly  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        execute(recipe(rows, Shout(id="shout")), tmp_path)
    models.chat = good  # type: ignore[method-assign]
    before = len(models.asked)
    result = execute(recipe(rows, Shout(id="shout")), tmp_path)
    assert len(models.asked) - before <= 400 - 100 + 8  # eight were in the air
    assert account(result, "shout") == {"in": 400, "kept": 400}


def test_a_step_that_fails_on_a_row_fails_on_that_row_alone(tmp_path: Path, models: ScriptedModels) -> None:
    models.script = lambda role, ask: ZeroDivisionError("oops") if ask.messages[-1]["content"] == "b" else "fine"
    result = execute(recipe(inquiries("a", "b", "c"), Shout(id="shout")), tmp_path)
    assert account(result, "shout") == {"in": 3, "kept": 2, "quarantined": 1}


def test_the_pool_shows_all_rows_and_a_new_row_changes_it(tmp_path: Path, models: ScriptedModels) -> None:
    execute(recipe(inquiries("a", "b"), Shout(id="shout", of_all=True)), tmp_path)
    assert asked(models) == ["a of 2", "b of 2"]
    models.asked.clear()
    execute(recipe(inquiries("a", "b", "c"), Shout(id="shout", of_all=True)), tmp_path)
    assert asked(models) == ["a of 3", "b of 3", "c of 3"]


def test_rows_are_born_of_answers_settled_over_all(tmp_path: Path, models: ScriptedModels) -> None:
    result = execute(recipe(inquiries("x y", "y z"), Twins(id="twins")), tmp_path)
    assert account(result, "twins") == {"in": 2, "born": 3, "kept": 3, "merged": 2}
    assert [(row["inquiry"], row["name"]) for row in delivered(tmp_path)] == [("x y", "X"), ("x y", "Y"), ("y z", "Z")]
    models.asked.clear()
    execute(recipe(inquiries("x y", "y z"), Twins(id="twins")), tmp_path)
    assert models.asked == []


def test_the_same_bytes_in_any_cut(tmp_path: Path, models: ScriptedModels, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = inquiries(*(f"row {n}" for n in range(50)))
    hashes = set()
    for size in (7, 1000):
        monkeypatch.setattr("tamis.sources.frames.SLICE_ROWS", size)
        folder = tmp_path / str(size)
        result = execute(recipe(rows, Shout(id="shout"), Twins(id="twins")), folder, Options(workers=2))
        hashes.add(result.manifest["delivered"][0]["sha256"])
    assert len(hashes) == 1


def test_progress_counts_rows_and_only_the_last_is_logged(tmp_path: Path, models: ScriptedModels) -> None:
    heard: list[Event] = []
    result = execute(recipe(inquiries("a", "b"), Shout(id="shout")), tmp_path, emit=heard.append)
    told = [event for event in heard if isinstance(event, CallsProgress)]
    assert (told[-1].rows, told[-1].ok, told[-1].failed, told[-1].last) == (2, 2, 0, True)
    logged = [json.loads(line) for line in (result.folder / "events.jsonl").read_text().splitlines()]
    assert len([one for one in logged if one["event"] == "CallsProgress"]) == 1


def test_roles_nobody_plays_are_told_with_the_recipe() -> None:
    with pytest.raises((RecipeError, ValueError), match="asks the role 'judge', which `models:` does not name"):
        recipe(inquiries("a"), Shout(role="judge"))


@pytest.mark.parametrize(
    ("model", "connections", "sent"),
    [
        ("local/smollm2", {}, False),
        ("openai/gpt-5-mini", {}, True),
        ("here/x", {"here": {"url": "http://127.0.0.1:8000/v1"}}, False),
        ("there/x", {"there": {"url": "http://10.0.0.7:8000/v1"}}, True),
        ("there/x", {"there": {"url": "http://10.0.0.7:8000/v1", "local": True}}, False),
    ],
)
def test_text_leaves_only_behind_a_privacy_step(model: str, connections: dict[str, Any], sent: bool) -> None:
    def made(**more: Any) -> Recipe:
        return Recipe(name="x", models={"annotator": model}, connections=connections, steps=[Shout()], **more)

    if sent:
        with pytest.raises(ValueError, match="no privacy step takes personal data away"):
            made()
        made(unprotected="public data")
    else:
        made()


def test_plan_tells_what_asking_would_cost_and_asks_nothing(tmp_path: Path, models: ScriptedModels) -> None:
    from tamis.runner.foresee import foresee

    priced = {"model": "local/none", "price": {"input": 2.0, "output": 8.0}, "max_tokens": 100}
    whole = recipe(inquiries("a" * 400, "b" * 400), Shout(id="shout"))
    whole = Recipe.model_validate({**dict(whole), "models": {"annotator": priced}})
    told = foresee(whole, tmp_path)
    [step] = told["steps"]
    assert step["asks"] == {
        "rows": 2,
        "calls": 2,
        "tokens_in": 200,
        "tokens_out": 200,
        "usd": pytest.approx(0.002),
        "waits": None,
    }
    assert (told["calls"], told["tokens"], told["usd"]) == (2, 400, pytest.approx(0.002))
    assert models.asked == []
    execute(whole, tmp_path)
    told = foresee(whole, tmp_path)
    assert told["steps"][0]["asks"]["rows"] == 0
    assert told["steps"][0]["why"] == "cached"
    unpriced = recipe(inquiries("c"), Shout(id="shout"), unprotected="it is public")
    unpriced = Recipe.model_validate({**dict(unpriced), "models": {"annotator": "openai/gpt-5-mini"}})
    assert foresee(unpriced, tmp_path)["usd"] is None


def test_a_steps_progress_counts_its_own_calls_and_not_those_of_steps_before(
    tmp_path: Path, models: ScriptedModels
) -> None:
    models.stats = lambda: {"ok": len(models.asked), "tokens_in": 7 * len(models.asked), "usd": 1.0}  # type: ignore[attr-defined]
    heard: list[Event] = []
    steps = [Shout(id="one"), Shout(id="two", of_all=True)]
    execute(recipe(inquiries("a", "b", "c"), *steps).model_copy(update={"deliver": ()}), tmp_path, emit=heard.append)
    told = {event.step: event for event in heard if isinstance(event, CallsProgress) and event.last}
    assert [(told[name].requests, told[name].tokens_in) for name in ("one", "two")] == [(3, 21), (3, 21)]


class AfterMapping(Shout):
    """Asks about the messages that a step before it makes."""

    async def ask(self, row: AskedRow, models: Models) -> Any:
        return await super().ask(row, models) if row.messages() else None


def test_plan_says_where_cost_cannot_be_known_yet(tmp_path: Path, models: ScriptedModels) -> None:
    from tamis.cli.plan import _cost
    from tamis.runner.foresee import foresee
    from tamis.steps.map.text import Text

    first = recipe(inquiries("a", "b"), Text(column="inquiry"), AfterMapping(id="later"))
    told = foresee(first, tmp_path)["steps"][-1]["asks"]
    assert (told["rows"], told["calls"], told["usd"], told["measured"]) == (2, 2, None, False)
    assert "price:" not in _cost(told)  # it is stated; what is missing is the rows


def test_where_may_name_a_sources_column_id(tmp_path: Path, models: ScriptedModels) -> None:
    rows = [{"id": "Q1", "inquiry": "a"}, {"id": "Q2", "inquiry": "b"}]
    execute(recipe(rows, Shout(id="shout", where="id > 'Q1'")), tmp_path)
    assert asked(models) == ["b"]
    with pytest.raises(RecipeError, match=r"no column 'source\.id'"):
        execute(recipe(inquiries("a"), Shout(id="shout", where="id > 'Q1'")), tmp_path / "other")
