"""What every step promises, as checks. Reached through `tamis.testing.check_step` and `conformance_checks`."""

from __future__ import annotations

import doctest
import inspect
import io
import re
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any, cast

import numpy as np
import polars as pl

from tamis.core.calls import ANSWERS, Calling, CallTableStep
from tamis.core.errors import TamisError, UsageError
from tamis.core.registry import class_name
from tamis.core.row import LINEAGE
from tamis.core.step import BirthStep, GateStep, RowStep, Step, TableStep, docstring
from tamis.engine.frame import Frame
from tamis.engine.judge import Judged
from tamis.testing import MemoryTable, heard, judge_frame, rows_frame, run_step

from ._awkward import HOSTILE as HOSTILE
from ._awkward import hostile
from ._scripted import Script, ScriptedModels, answered

#: (settings as a recipe has them, one row or several, the reason expected of some row, or every row's outcome, and for
#: steps that call models a script of what these say)
Case = tuple[dict[str, Any], Any, Any] | tuple[dict[str, Any], Any, Any, Script]
Check = Callable[[type[Step], Sequence[Case]], None]

SECTIONS = ("## What it does", "## Why", "## Example")
LINE = re.compile(
    r"\d+ in( \+ \d+ born)? = \d+ kept( \+ \d+ (dropped|merged|held|quarantined))*( \(\w+ \d+(, \w+ \d+)*\))?"
)


def _examples(cls: type[Step], cases: Sequence[Case]) -> list[tuple[Step, pl.DataFrame]]:
    """Each distinct configuration with the rows it was shown, and what models said of them."""
    found: dict[str, tuple[Step, list[pl.DataFrame]]] = {}
    for settings, rows, _, *script in cases:
        step = cls.model_validate(settings)
        if script and isinstance(step, CallTableStep):
            step = heard(step, Frame.of(_frame(rows)), ScriptedModels(script[0]))
        found.setdefault(step.key() + str(step.where), (step, []))[1].append(_told(step, _frame(rows), script))
    return [(step, pl.concat(frames, how="diagonal_relaxed")) for step, frames in found.values()]


def _frame(rows: Any) -> pl.DataFrame:
    return rows_frame([rows] if isinstance(rows, dict) else rows)


def _told(step: Step, frame: pl.DataFrame, script: Sequence[Script]) -> pl.DataFrame:
    """The rows with what models said of them, where the case has a script."""
    if not script or not isinstance(step, Calling) or isinstance(step, TableStep):
        return frame
    name = f"{ANSWERS}{step.name}"
    return frame.with_columns(answered(step, Frame.of(frame), ScriptedModels(script[0]))[name].alias(name))


def _judge(step: Step, frame: pl.DataFrame, seed: int = 0) -> tuple[Judged, pl.DataFrame | None, pl.Series | None]:
    return judge_frame(step, Frame.of(frame, seed=seed))


def _same(a: Judged, b: Judged, what: str) -> None:
    for name in ("outcome", "reason", "not_applicable", "changed", "into"):
        left, right = getattr(a, name), getattr(b, name)
        if (left is None) != (right is None) or (left is not None and not np.array_equal(left, right)):
            rows = [] if left is None or right is None else np.flatnonzero(left != right).tolist()
            raise AssertionError(f"`{name}` differs {what}, at rows {rows[:5]}")
    for name in ("evidence", "changes"):
        left, right = getattr(a, name), getattr(b, name)
        assert list(left) == list(right), f"{name} differs {what}: {list(left)} and {list(right)}"
        for column in left:
            x, y = left[column], right[column]
            assert x.dtype == y.dtype, f"{name} {column!r} is {x.dtype}, but {y.dtype} {what}"
            assert x.equals(y, null_equal=True), f"{name} {column!r} differs {what}"


def _cuts(height: int, seed: int) -> list[tuple[int, int]]:
    """Random slices that cover all rows; some are empty or of one row."""
    rng = np.random.default_rng(seed)
    at = np.sort(np.r_[0, rng.integers(0, height + 1, min(height, 7)), height])
    return list(zip(at[:-1].tolist(), at[1:].tolist(), strict=True))


# -- what it looks like -------------------------------------------------------------------------------


def has_a_page(cls: type[Step], cases: Sequence[Case]) -> None:
    """Its docstring is its page: a sentence, then What it does, Why, Example."""
    text = docstring(cls) if "__doc__" in vars(cls) else ""
    first = text.split("\n", 1)[0]
    assert first.endswith("."), (
        f"the docstring of {cls.__name__} must begin with one line that is a sentence, not {first!r}"
    )
    places = [text.find(section) for section in SECTIONS]
    for section, place in zip(SECTIONS, places, strict=True):
        assert place >= 0, f"the docstring of {cls.__name__} lacks the section {section!r}"
    assert places == sorted(places), f"the docstring's sections must stand in this order: {', '.join(SECTIONS)}"


def example_runs(cls: type[Step], cases: Sequence[Case]) -> None:
    """Its example is a doctest that passes and ends in the accounting line."""
    text = docstring(cls)
    examples = doctest.DocTestParser().get_examples(text[max(text.find(SECTIONS[-1]), 0) :])
    assert examples, f"the Example of {cls.__name__} holds no `>>>`"
    last = examples[-1].want.strip()
    assert re.search(LINE.pattern + r"\Z", last), (
        f"the Example must end in the accounting line (`N in = N kept + …`), not {last!r}"
    )
    test = doctest.DocTestParser().get_doctest(
        text, dict(vars(inspect.getmodule(cls) or object)), cls.__name__, None, 0
    )
    report = io.StringIO()
    if doctest.DocTestRunner(verbose=False).run(test, out=report.write).failed:
        raise AssertionError(f"the example of {cls.__name__} does not give what it says:\n{report.getvalue()}")


def fields_are_described(cls: type[Step], cases: Sequence[Case]) -> None:
    """Every field says in a sentence what it is."""
    for name, field in cls.model_fields.items():
        words = field.description or ""
        assert len(words.split()) >= 2, f"the field {name!r} of {cls.__name__} needs a description"
        assert words.rstrip().endswith((".", "`")), f"the description of {name!r} must be a sentence: {words!r}"
    cls.model_json_schema(by_alias=True)


def is_frozen(cls: type[Step], cases: Sequence[Case]) -> None:
    """It cannot be changed, and takes nothing undeclared."""
    assert cls.model_config.get("frozen"), f"{cls.__name__} must be frozen"
    assert cls.model_config.get("extra") == "forbid", f"{cls.__name__} must forbid fields it does not declare"


def has_its_address(cls: type[Step], cases: Sequence[Case]) -> None:
    """Its address is its place, its name the file's."""
    address = cls.address()
    if cls.__module__.startswith("tamis.steps."):
        file = inspect.getfile(cls).replace("\\", "/").removesuffix(".py")
        assert file.endswith(address.replace(".", "/")), f"{address} must stand in {address.replace('.', '/')}.py"
        wanted = class_name(address.rsplit(".", 1)[-1])
        assert cls.__name__ == wanted, f"the class of {address} must be named {wanted}, not {cls.__name__}"
        assert address.count(".") <= 1, f"a step's address is family.name, not {address}"
    else:
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]*", cls.__name__), f"{cls.__name__} must be CamelCase"


def has_a_version(cls: type[Step], cases: Sequence[Case]) -> None:
    """Its version is a whole number of its own, from 1."""
    assert "version" in vars(cls), f"{cls.__name__} must declare `version: ClassVar[int] = 1`"
    whole = type(cls.version) is int
    assert whole, f"the version of {cls.__name__} is {cls.version!r}, which is no whole number"
    assert cls.version >= 1, f"the version of {cls.__name__} is {cls.version!r}; it must be 1 or more"
    for library in cls.libraries:
        metadata.version(library)


def reasons_are_sentences(cls: type[Step], cases: Sequence[Case]) -> None:
    """Each reason is a slug with a sentence."""
    for slug, sentence in cls.reasons.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", slug), (
            f"the reason {slug!r} must be a slug: lower-case letters, digits, `_`"
        )
        assert len(sentence.split()) >= 3, f"the reason {slug!r} needs a sentence, not {sentence!r}"
        plain = sentence.strip().rstrip(".").replace("\n", "")
        assert sentence == plain, f"the sentence of {slug!r} is one line without full stop"
    if issubclass(cls, GateStep):
        assert {"rejected", "undecided"} <= set(cls.reasons), (
            f"the gate {cls.__name__} must declare `rejected` and `undecided`"
        )


# -- what it does -------------------------------------------------------------------------------------


def goes_through_yaml(cls: type[Step], cases: Sequence[Case]) -> None:
    """Its settings go through YAML and come back the same."""
    import yaml

    for step, _ in _examples(cls, cases):
        again = cls.model_validate(yaml.safe_load(yaml.safe_dump(step.settings(), allow_unicode=True)))
        written = step.hear(None) if isinstance(step, CallTableStep) else step
        assert again == written, f"{step!r} comes back from YAML as {again!r}"
        assert again.key() == step.key(), "the same settings give another key"


def cases_hold(cls: type[Step], cases: Sequence[Case]) -> None:
    """There are cases, and each ends as it says."""
    assert cases, (
        f"there are no cases for {cls.address()} in the form the suite reads; declare CASES in its test: list of "
        "(settings, row or rows, expected reason or list of outcomes)"
    )
    for settings, rows, expected, *script in cases:
        shown = [rows] if isinstance(rows, dict) else rows
        outcomes = run_step(cls.model_validate(settings), shown, replies=script[0] if script else None).outcomes
        holds = outcomes == list(expected) if isinstance(expected, list | tuple) else (expected or "kept") in outcomes
        assert holds, f"{settings}: expected {expected!r}, got {outcomes}"


def reasons_are_reachable(cls: type[Step], cases: Sequence[Case]) -> None:
    """Some case leads to each declared reason."""
    reached: set[Any] = set()
    for _, _, expected, *_ in cases:
        reached |= set(expected) if isinstance(expected, list | tuple) else {expected}
    given_by_people = {"rejected", "undecided"} if issubclass(cls, GateStep) else set()
    missing = sorted(set(cls.reasons) - reached - given_by_people)
    assert not missing, f"no case of {cls.address()} leads to {', '.join(missing)}; add one, or take the reason away"


def survives(cls: type[Step], cases: Sequence[Case]) -> None:
    """One outcome a row and no exception: no rows, nulls, emoji, bidi, NUL, lone marks, 100,000 characters."""
    for step, shown in _examples(cls, cases):
        for name, frame in (
            ("no rows", hostile(shown).clear()),
            ("awkward rows", hostile(shown)),
            ("nulls", shown.clear(3)),
        ):
            try:
                judged, children, parents = _judge(step, frame)
            except TamisError:
                if isinstance(step, TableStep) and frame.height:
                    continue  # it needs all rows, and may say that these are not enough
                raise
            except Exception as error:
                raise AssertionError(f"{step!r} fails on {name}: {type(error).__name__}: {error}") from error
            assert len(judged.outcome) == frame.height, f"{len(judged.outcome)} outcomes for {frame.height} rows"
            if children is not None and parents is not None:
                assert children.height == len(parents), f"{children.height} children with {len(parents)} parents"
                places = parents.to_numpy().astype(np.int64)
                assert bool((np.diff(places) >= 0).all()), "children must stand in the order of their parents"


def asks_about_any_row(cls: type[Step], cases: Sequence[Case]) -> None:
    """It can ask about awkward rows, its answers are JSON, and the same row is asked about in the same words."""
    if not issubclass(cls, Calling):
        return
    for settings, rows, _, *script in cases:
        step = cls.model_validate(settings)
        if not script or not isinstance(step, Calling):
            continue
        shown, asking = _frame(rows), cast(Any, heard if isinstance(step, CallTableStep) else answered)
        for name, frame in (("its own rows", shown), ("awkward rows", hostile(shown)), ("no rows", shown.clear())):
            asked = []
            for _ in range(2):
                models = ScriptedModels(script[0])
                try:
                    asking(step, Frame.of(frame), models)
                except Exception as error:
                    raise AssertionError(
                        f"{step!r} fails as it asks about {name}: {type(error).__name__}: {error}"
                    ) from error
                asked.append(models.asked)
            assert asked[0] == asked[1], f"{step!r} asks about {name} in other words the second time"


def is_the_same_in_any_batch(cls: type[Step], cases: Sequence[Case]) -> None:
    """What it says of a row (or gathers from it) depends on that row alone."""
    for step, shown in _examples(cls, cases):
        frame = pl.concat([shown, hostile(shown)], how="diagonal_relaxed")
        for seed in range(2):
            pieces = [frame[a:b] for a, b in _cuts(frame.height, seed)]
            if isinstance(step, TableStep):
                whole = step.gather(Frame.of(frame))
                parts = [step.gather(Frame.of(piece)) for piece in pieces]
                for name, column in whole.items():
                    together = pl.concat([part[name] for part in parts])
                    assert together.dtype == column.dtype, (
                        f"gathered {name!r} is {together.dtype} or {column.dtype}, by batch"
                    )
                    assert together.equals(column, null_equal=True), (
                        f"gathered {name!r} differs when rows come in other batches"
                    )
            else:
                _same_in_pieces(step, frame, pieces)


def _same_in_pieces(step: Step, frame: pl.DataFrame, pieces: Sequence[pl.DataFrame]) -> None:
    judged, children, parents = _judge(step, frame)
    parts = [_judge(step, piece) for piece in pieces]
    for name in ("outcome", "reason", "not_applicable", "changed"):
        whole = getattr(judged, name)
        together = np.concatenate([getattr(part[0], name) for part in parts])
        rows = np.flatnonzero(whole != together).tolist()
        assert not rows, f"`{name}` of rows {rows[:5]} differs when rows come in other batches ({step!r})"
    for name in ("evidence", "changes"):
        for column, values in getattr(judged, name).items():
            found = [getattr(part[0], name) for part in parts]
            if column == "error":  # the engine's own, and only where a row failed
                found = [
                    {column: pl.Series([None] * len(p[0].outcome), dtype=pl.String)} | f
                    for p, f in zip(parts, found, strict=True)
                ]
            series = pl.concat([one[column] for one in found])
            assert series.equals(values, null_equal=True), (
                f"{name} {column!r} differs when rows come in other batches ({step!r})"
            )
    if children is not None and parents is not None:
        born = pl.concat([part[1] for part in parts if part[1] is not None], how="vertical_relaxed")
        assert born.equals(children, null_equal=True), (
            f"other children are born when rows come in other batches ({step!r})"
        )


def is_deterministic(cls: type[Step], cases: Sequence[Case]) -> None:
    """Twice the same; and the same under another seed unless it declares `seeded`."""
    for step, shown in _examples(cls, cases):
        for seed in (0, 7) if not step.seeded else (0,):
            try:
                _same(
                    _judge(step, shown)[0],
                    _judge(step, shown, seed=seed)[0],
                    "from one call to the next" if not seed else "with the seed",
                )
            except TamisError:
                assert isinstance(step, TableStep), f"{step!r} raises on the rows of its own cases"


def changes_nothing_it_was_given(cls: type[Step], cases: Sequence[Case]) -> None:
    """Its input is the same afterwards, and it sets only columns it declares."""
    for step, shown in _examples(cls, cases):
        before, after = io.BytesIO(), io.BytesIO()
        shown = shown.rechunk()
        shown.write_ipc(before)
        try:
            changes = _judge(step, shown)[0].changes
        except TamisError:
            continue
        shown.write_ipc(after)
        assert before.getvalue() == after.getvalue(), f"{step!r} changed the rows it was given"
        full = {
            name if name in shown.columns or name.startswith("source.") else name.removeprefix(f"{step.name}.")
            for name in changes
        }
        undeclared = sorted(full - set(step.sets))
        binding = isinstance(step, TableStep)  # of others the runner sees it
        assert not undeclared or not binding, f"{step!r} sets {undeclared}, which it does not declare in `sets`"


def reads_what_it_declares(cls: type[Step], cases: Sequence[Case]) -> None:
    """It looks at no column that `reads()` does not name: results are kept and reused by what it reads."""
    for step, shown in _examples(cls, cases):
        declared = step.reads()
        if declared is None:
            continue
        seen: set[str] = set()

        def load(name: str, seen: set[str] = seen, shown: pl.DataFrame = shown) -> pl.Series:
            seen.add(name)
            return shown[name]

        frame = Frame(shown.height, shown.columns, load)
        allowed = {*LINEAGE, f"{ANSWERS}{step.name}"}
        for name in declared:
            try:
                allowed.add(frame.find(name))
            except UsageError:
                continue
        try:
            if isinstance(step, RowStep):
                step.judge(frame)
            elif isinstance(step, BirthStep):
                step.bear(frame)
            elif isinstance(step, TableStep):
                step.decide(MemoryTable(frame, step.gather(frame)))
        except TamisError:
            continue
        assert seen <= allowed, f"{step!r} looks at {sorted(seen - allowed)}, which `reads()` does not name: {declared}"


def well_formed(cases: Sequence[Any]) -> bool:
    """Whether all cases have the form the suite reads."""
    return all(
        isinstance(case, tuple)
        and len(case) in (3, 4)
        and isinstance(case[0], dict)
        and (len(case) == 3 or callable(case[3]))
        for case in cases
    )


CHECKS: tuple[Check, ...] = (
    has_a_page,
    example_runs,
    fields_are_described,
    is_frozen,
    has_its_address,
    has_a_version,
    reasons_are_sentences,
    goes_through_yaml,
    cases_hold,
    reasons_are_reachable,
    survives,
    asks_about_any_row,
    is_the_same_in_any_batch,
    is_deterministic,
    changes_nothing_it_was_given,
    reads_what_it_declares,
)
