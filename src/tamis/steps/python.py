"""python"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.errors import StepError, UsageError, did_you_mean
from tamis.core.origin import KIND_TYPES, Kind
from tamis.core.outcome import Verdict, drop
from tamis.core.row import LINEAGE, MESSAGE, RESERVED
from tamis.core.step import Reasons, RowStep


class Python(RowStep):
    """Judge rows with a function of your own.

    ## What it does
    Calls `function(row)` of a Python file for each row. The row is a dict: `id`, `messages`, and the source's
    columns by their own names (`source.messages` where the source has a column of a reserved name). The function answers None or True to keep the row, False or a sentence to drop it
    (the sentence is kept as evidence), or a dict of columns to set: `messages`, or names declared in `sets`.
    A row on which it raises is quarantined with the error. The file's bytes are part of the step's fingerprint:
    edit it, and its rows are judged again. Only the file that the recipe names is run, and only by `tamis run`.

    ## Why
    No tool knows every rule. For whole columns at a time, and speed, write a step class: `make step NAME=filter.mine`.

    ## Example
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> from tamis.testing import run_step
    >>> file = Path(mkdtemp()) / "mine.py"
    >>> _ = file.write_text("def polite(row):\\n    return 'please' in row['messages'][0]['content'] or 'no please'")
    >>> result = run_step(Python(file=file, function="polite"), [{"prompt": "please help"}, {"prompt": "help"}])
    >>> print(result.evidence[1]["why"], "|", result.line)
    no please | 2 in = 1 kept + 1 dropped (rejected 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"rejected": "the function said no"}

    file: Path = Field(description="The Python file, relative to the recipe.")
    function: str = Field("apply", description="The function's name in it.")
    columns: tuple[str, ...] = Field(
        (),
        description="Columns the function reads; by default every column. Naming them saves work when others change.",
    )
    columns_set: dict[str, Kind] = Field({}, alias="sets", description="Columns the function may set, and their kinds.")

    def reads(self) -> tuple[str, ...] | None:
        return self.columns or None

    def files(self) -> tuple[str, ...]:
        return (str(self.file),)

    def judge(self, rows: Columns) -> Verdict:
        names = (
            [rows.find(name) for name in self.columns] if self.columns else [n for n in rows.names if n not in LINEAGE]
        )
        own = {name: name.removeprefix("source.") for name in names}
        fields = {name: name if short in RESERVED or short in names else short for name, short in own.items()}
        answers: list[Any] = []
        if rows.height:
            function = _function(self.file, self.function)
            table = pl.DataFrame([rows[name].alias(fields[name]) for name in names])
            answers = [function(row) for row in table.iter_rows(named=True)]
        why = pl.Series("why", [_why(answer) for answer in answers], dtype=pl.String)
        verdict = drop("rejected", when=why.is_not_null(), why=why)
        return verdict.change(**self._changes(rows, answers))

    def _changes(self, rows: Columns, answers: list[Any]) -> dict[str, pl.Series]:
        changed: dict[str, pl.Series] = {}
        given = {name for answer in answers if isinstance(answer, dict) for name in answer}
        possible = {"messages", "text", *self.columns_set}
        for name in sorted(given | set(self.columns_set)):
            if name not in possible:
                raise UsageError(
                    f"{self.file.name}:{self.function} sets {name!r}, which `sets:` does not declare; {did_you_mean(name, possible)}"
                )
            dtype = RESERVED[name] if name in RESERVED else KIND_TYPES[self.columns_set[name]]
            known = name in rows.names
            before = rows[name].to_list() if known else [None] * rows.height
            values = [a.get(name, b) if isinstance(a, dict) else b for a, b in zip(answers, before, strict=True)]
            if name == "messages":
                values = [_messages(value) for value in values]
            changed[name] = pl.Series(name, values, dtype=dtype, strict=True)
        return changed


def _messages(value: Any) -> Any:
    fields = [field.name for field in MESSAGE.fields]
    return value if value is None else [{name: message.get(name) for name in fields} for message in value]


def _why(answer: Any) -> str | None:
    """Why a row is dropped; None where it stays."""
    if answer is None or answer is True or isinstance(answer, dict):
        return None
    if answer is False:
        return ""
    if isinstance(answer, str):
        return answer
    raise TypeError(f"the function answered {type(answer).__name__}; possible: None, True, False, a sentence, a dict")


_loaded: dict[tuple[str, str], Any] = {}


def _function(file: Path, name: str) -> Callable[[dict[str, Any]], Any]:
    try:
        source = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    key = (str(file), hashlib.blake2b(source, digest_size=8).hexdigest())
    if key not in _loaded:
        title = f"tamis_user_{key[1]}"
        module = ModuleType(title)
        module.__file__ = str(file)
        sys.modules[title] = module
        try:
            # the bytes that were hashed, and no bytecode beside the file: that is found by the file's time and size
            exec(compile(source, file, "exec"), vars(module))
        except Exception as error:
            raise StepError(f"{file} cannot be loaded: {type(error).__name__}: {error}") from error
        _loaded[key] = module
    found = getattr(_loaded[key], name, None)
    if not callable(found):
        functions = [n for n, v in vars(_loaded[key]).items() if callable(v) and not n.startswith("_")]
        raise UsageError(f"{file} has no function {name!r}; {did_you_mean(name, functions)}")
    return found  # type: ignore[no-any-return]
