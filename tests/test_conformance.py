"""Every step keeps every promise, and the suite notices each that is broken."""

from __future__ import annotations

import ctypes
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import polars as pl
import pytest
from pydantic import Field

from tamis._conformance import CHECKS, HOSTILE
from tamis.core.calls import Answer, Ask, AskedRow, CallStep, Models
from tamis.core.columns import Columns, Table
from tamis.core.outcome import Verdict, change, drop, keep
from tamis.core.registry import addresses, resolve
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep, Step, TableStep
from tamis.testing import check_step, conformance_checks

TESTS = Path(__file__).parent


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"cases_{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cases_of(address: str) -> list[Any]:
    """CASES of the step's own test file."""
    *family, name = address.split(".")
    path = TESTS.joinpath("steps", *family, f"test_{name}.py")
    return list(getattr(load(path), "CASES", [])) if path.exists() else []


def every_check() -> Iterator[Any]:
    for address in addresses("steps"):
        for check in CHECKS:
            yield pytest.param(address, check.__name__, id=f"{address}-{check.__name__}")


@pytest.mark.parametrize(("address", "name"), list(every_check()))
def test_every_step(address: str, name: str) -> None:
    step = resolve("steps", address)
    assert issubclass(step, Step), f"{address} is no step"
    dict(conformance_checks(step, cases_of(address)))[name]()


def test_steps_are_imported_without_anything_heavy() -> None:
    """`--help` and `plan` look at steps; compilers and models wait until a step runs."""
    heavy = ("numba", "llvmlite", "ftfy", "nanoarrow", "scipy", "tokenizers", "bpe_openai", "xxhash.cffi")
    code = (
        "import sys, json; from tamis.core.registry import addresses, resolve\n"
        "[resolve('steps', a) for a in addresses('steps')]\n"
        f"print(json.dumps([m for m in {heavy!r} if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


# -- the suite itself ---------------------------------------------------------------------------------


class Good(RowStep):
    """Drop rows that are too loud.

    ## What it does
    Counts exclamation marks.

    ## Why
    Shouting teaches shouting.

    ## Example
    >>> from tamis.testing import run_step
    >>> print(run_step(Good(), [{"response": "No!!!"}, {"response": "No"}]).line)
    2 in = 1 kept + 1 dropped (loud 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"loud": "there are more than `most` exclamation marks"}

    view: View = Field("response", alias="in", description="Which text is looked at.")
    most: int = Field(2, ge=0, description="Most exclamation marks kept.")

    def judge(self, rows: Columns) -> Verdict:
        marks = rows.text(self.view).str.count_matches("!")
        return drop("loud", when=marks > self.most, marks=marks)


CASES = [({}, {"response": "No!!!"}, "loud"), ({"most": 5}, [{"response": "No!!!"}], ["kept"])]


def test_a_good_step_passes() -> None:
    check_step(Good, CASES)


def broken(**members: Any) -> type[Good]:
    """Good with something else in it."""
    space = {"__doc__": Good.__doc__, "__module__": __name__, "version": 1, **members}
    notes = {"version": ClassVar[int], "reasons": ClassVar[Reasons]} | members.pop("__annotations__", {})
    return type("Bad", (Good,), {**space, "__annotations__": notes})


def drops(rows: Columns, when: list[bool] | pl.Series) -> Verdict:
    return drop("loud", when=pl.Series(when, dtype=pl.Boolean))


def first_row(self: Good, rows: Columns) -> Verdict:
    return drops(rows, [k == 0 for k in range(rows.height)])


def by_seed(self: Good, rows: Columns) -> Verdict:
    return drops(rows, [bool((rows.seed + k) % 5) for k in range(rows.height)])


CALLS = iter(range(10**9))


def by_call(self: Good, rows: Columns) -> Verdict:
    return drops(rows, [bool(next(CALLS) % 2)] * rows.height)


def only_short(self: Good, rows: Columns) -> Verdict:
    if any(len(text or "") > 99_999 for text in rows.text("response")):
        raise ValueError("too long")
    return Good.judge(self, rows)


def no_rows_no_verdict(self: Good, rows: Columns) -> Verdict:
    return drops(rows, [rows.text("response")[0] == "x"] * rows.height)


def peeks(self: Good, rows: Columns) -> Verdict:
    return Good.judge(self, rows).note(other=rows["text"] if "text" in rows.names else rows["source.score"])


def scribbles(self: Good, rows: Columns) -> Verdict:
    bytes_ = rows["source.score"].to_numpy()
    ctypes.memset(bytes_.ctypes.data, 255, bytes_.nbytes)
    return Good.judge(self, rows)


def batch_dtype(self: Good, rows: Columns) -> Verdict:
    return Good.judge(self, rows).note(size=pl.Series([rows.height] * rows.height))


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("has_a_page", {"__doc__": None}, "must begin with one line that is a sentence"),
    ("has_a_page", {"__doc__": Good.__doc__.replace("## Why", "## Wherefore")}, "lacks the section '## Why'"),  # type: ignore[union-attr]
    ("example_runs", {"__doc__": Good.__doc__.replace(">>>", "--")}, "holds no `>>>`"),  # type: ignore[union-attr]
    ("example_runs", {"__doc__": Good.__doc__.replace("1 kept", "2 kept")}, "does not give what it says"),  # type: ignore[union-attr]
    ("example_runs", {"__doc__": Good.__doc__.replace("2 in = 1", "so 1")}, "must end in the accounting line"),  # type: ignore[union-attr]
    ("has_a_version", {"version": 0}, "it must be 1 or more"),
    ("reasons_are_sentences", {"reasons": {"loud": "loud"}}, "needs a sentence"),
    ("reasons_are_sentences", {"reasons": {"Too loud": "it is too loud"}}, "must be a slug"),
    ("reasons_are_sentences", {"reasons": {"loud": "it is too loud."}}, "without full stop"),
    (
        "reasons_are_reachable",
        {"reasons": {**Good.reasons, "quiet": "nothing is said at all"}},
        "leads to quiet; add one",
    ),
    (
        "fields_are_described",
        {"__annotations__": {"extra": int}, "extra": 3},
        "the field 'extra' of Bad needs a description",
    ),
    ("cases_hold", {"judge": lambda self, rows: keep()}, r"expected 'loud', got \['kept'\]"),
    ("survives", {"judge": only_short}, "fails on awkward rows: ValueError: too long"),
    ("survives", {"judge": no_rows_no_verdict}, "fails on no rows: IndexError"),
    ("is_the_same_in_any_batch", {"judge": first_row}, "`outcome` of rows .* differs when rows come in other batches"),
    ("is_the_same_in_any_batch", {"judge": batch_dtype}, "evidence 'size' differs when rows come in other batches"),
    ("is_deterministic", {"judge": by_seed}, "`outcome` differs with the seed"),
    ("is_deterministic", {"judge": by_call}, "`outcome` differs from one call to the next"),
    ("reads_what_it_declares", {"judge": peeks}, "looks at .*source.score.*, which `reads\\(\\)` does not name"),
    ("changes_nothing_it_was_given", {"judge": scribbles}, "changed the rows it was given"),
    ("is_frozen", {"model_config": {"frozen": False}}, "must be frozen"),
    ("is_frozen", {"model_config": {"extra": "allow"}}, "must forbid fields"),
]


@pytest.mark.parametrize(("check", "members", "words"), BROKEN)
def test_the_suite_notices(check: str, members: dict[str, Any], words: str) -> None:
    cases = [
        (given, {**row, "score": 1.0} if isinstance(row, dict) else row, expected) for given, row, expected in CASES
    ]
    with pytest.raises(AssertionError, match=words):
        dict(conformance_checks(broken(**members), cases))[check]()


def test_a_lost_alias_is_noticed() -> None:
    class Lossy(Good):
        """Lossy."""

        version: ClassVar[int] = 1

        def settings(self) -> dict[str, Any]:
            return {}

    with pytest.raises(AssertionError, match="comes back from YAML as"):
        dict(conformance_checks(Lossy, CASES))["goes_through_yaml"]()


def test_a_table_step_is_watched_too() -> None:
    class Wobbly(TableStep):
        """Wobbly."""

        version: ClassVar[int] = 1

        def gather(self, rows: Columns) -> dict[str, pl.Series]:
            return {"place": pl.int_range(rows.height, eager=True)}

        def decide(self, table: Table) -> Verdict:
            return change(split=pl.Series(["x"] * table.height, dtype=pl.String))

    checks: dict[str, Callable[[], None]] = dict(conformance_checks(Wobbly, [({}, [{"response": "a"}] * 3, "kept")]))
    with pytest.raises(AssertionError, match="gathered 'place' differs when rows come in other batches"):
        checks["is_the_same_in_any_batch"]()
    with pytest.raises(AssertionError, match=r"sets \['split'\], which it does not declare"):
        checks["changes_nothing_it_was_given"]()


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(
        AssertionError,
        match=r"(?s)Bad breaks 3 of its promises\n.*has_a_version.*reasons_are_sentences.*reasons_are_reachable",
    ):
        check_step(broken(version=0, reasons={"loud": "loud", "quiet": "nothing is said"}), CASES)


def test_a_step_without_cases_is_told_so() -> None:
    with pytest.raises(
        AssertionError, match=r"there are no cases for .*Good in the form the suite reads; declare CASES in its test"
    ):
        dict(conformance_checks(Good))["cases_hold"]()
    with pytest.raises(AssertionError, match="in the form the suite reads"):
        dict(conformance_checks(Good, [({"response": "No!!!"}, "loud")]))["cases_hold"]()


def test_hostile_rows_hold_what_the_house_style_names() -> None:
    text = "".join(HOSTILE)
    assert all(mark in text for mark in ("\x00", "\u202e", "\u2066", "\u200d", "\u0301", "\u2028", "\ufeff"))
    assert max(map(len, HOSTILE)) >= 100_000
    assert "" in HOSTILE


def test_a_step_that_calls_models_is_asked_by_a_script() -> None:
    """A reason only an answer leads to is reached by the fourth item of a case, and its absence is told."""

    class Rated(CallStep):
        """Rated."""

        version: ClassVar[int] = 1
        reasons: ClassVar[Reasons] = {"poor": "the model calls the row poor"}

        async def ask(self, row: AskedRow, models: Models) -> Any:
            return (await models.chat("judge", Ask(messages=({"role": "user", "content": row["x"] or ""},)))).text

        def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
            return drop("poor", when=pl.Series([a.value == "poor" for a in answers], dtype=pl.Boolean))

        def reads(self) -> tuple[str, ...]:
            return ("x",)

    class Wordy(Rated):
        """Wordy."""

        version: ClassVar[int] = 1

        async def ask(self, row: AskedRow, models: Models) -> Any:
            return (await models.chat("judge", Ask(messages=({"role": "user", "content": str(next(CALLS))},)))).text

    cases = [({}, [{"x": "a"}, {"x": "b"}], ["dropped", "dropped"], lambda role, ask: "poor")]
    told = [({}, [{"x": "a"}, {"x": "b"}], ["poor", "poor"], lambda role, ask: "poor")]
    for name in ("cases_hold", "reasons_are_reachable", "survives", "asks_about_any_row", "reads_what_it_declares"):
        dict(conformance_checks(Rated, told))[name]()
    dict(conformance_checks(Rated, told))["is_the_same_in_any_batch"]()
    with pytest.raises(AssertionError, match=r"expected \['dropped', 'dropped'\], got \['poor', 'poor'\]"):
        dict(conformance_checks(Rated, cases))["cases_hold"]()
    with pytest.raises(AssertionError, match="expected 'poor', got"):
        dict(conformance_checks(Rated, [({}, [{"x": "a"}], "poor")]))["cases_hold"]()
    with pytest.raises(AssertionError, match="asks about its own rows in other words the second time"):
        dict(conformance_checks(Wordy, told))["asks_about_any_row"]()
