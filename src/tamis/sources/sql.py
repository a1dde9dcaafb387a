"""sql"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from tamis.core.errors import DataError, UsageError, did_you_mean
from tamis.core.origin import Batch, Cut, Input, Kind, Reading, Slice, Source

from ._snapshot import Snapshot, known, take
from .files import Files

#: what a query may do: read tables and call functions
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


class Sql(Source):
    """Rows of a query, from a SQLite database.

    ## What it does
    Runs one statement, read-only, with bound parameters, and keeps its rows as a file in the workspace; the run reads
    that file. The query runs again when the database file has changed, but never in the middle of a run: one that waited
    at a gate goes on with the rows it began with. Values are read as JSON's would be: a column is what most of its values
    are, BLOBs are hexadecimal text.

    ## Why
    A table is written to while you work on it. What was read must be there to be looked at, hashed, and read again.
    Parameters are bound, so that nothing in them is ever SQL; and a query that would write is refused.

    ## Example
    >>> source = Sql(database="log.db", query="SELECT id, text FROM mails WHERE day >= :since ORDER BY id",
    ...              parameters={"since": "2026-01-01"}, id=("id",))
    >>> source.label
    'sql'
    """

    version: ClassVar[int] = 1

    database: str = Field(description="The SQLite file, relative to the recipe.")
    query: str = Field(description="One SELECT statement, or the path of a `.sql` file with it.")
    parameters: dict[str, str | int | float | bool | None] = Field(
        {}, description="Values of the query's `:name` parameters. They are bound, never pasted."
    )
    types: dict[str, Kind] = Field({}, description="Kinds of columns: text, integer, number, boolean or json.")
    allow_empty: bool = Field(False, description="Accept a query without rows.")

    _snapshot: Snapshot | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _something_is_asked(self) -> Self:
        if not self.query.strip():
            raise ValueError("`query` is empty")
        return self

    def fetched(self, root: Path, store: Path, *, resumed: bool) -> tuple[Source, list[str]]:
        place = root / Path(self.database).expanduser()
        if not place.is_file():
            near = [p.name for p in place.parent.glob("*")] if place.parent.is_dir() else []
            raise DataError(f"no database {self.database} (looked in {place.parent}); {did_you_mean(place.name, near)}")
        text = self.statement(root)
        asked = ["sqlite", self.database, text, sorted(self.parameters.items()), self.version]
        stamp = _stamp(place)
        found, warnings = known(store, asked, stamp, keep=resumed), []
        if found is None:
            columns, rows = self._rows(place, text)
            found = take(store, asked, stamp, columns, rows)
        elif found.stale:
            warnings.append(
                f"{self.database} changed since {found.taken}, when this run began; it goes on with those rows"
            )
        if "order by" not in " ".join(text.lower().split()):
            warnings.append(
                f"the query on {self.database} has no ORDER BY: what order its rows come in is not promised"
            )
        source = self.model_copy()
        source._snapshot = found
        return source, warnings

    def statement(self, root: Path) -> str:
        """The query's text."""
        if not self.query.strip().lower().endswith(".sql"):
            return self.query
        try:
            return (root / self.query.strip()).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot read {self.query.strip()}: {error.strerror or error}") from None

    def _rows(self, place: Path, text: str) -> tuple[list[str], Iterator[Sequence[Any]]]:
        """The columns, and the rows as they come. DataError where the database refuses."""
        refused: list[str] = []

        def authorise(action: int, first: str | None, second: str | None, *_: str | None) -> int:
            if action in _ALLOWED and not (action == sqlite3.SQLITE_FUNCTION and second == "load_extension"):
                return sqlite3.SQLITE_OK
            refused.append(" ".join(filter(None, [first, second])))
            return sqlite3.SQLITE_DENY

        connection = sqlite3.connect(f"{place.absolute().as_uri()}?mode=ro", uri=True)
        connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.set_authorizer(authorise)
            cursor = connection.execute(text, self.parameters)
        except (sqlite3.Error, sqlite3.Warning) as error:
            connection.close()
            raise self._refusal(error, refused) from None
        if cursor.description is None:
            connection.close()
            raise UsageError(f"the query on {self.database} returns no rows; it must be one SELECT")
        columns = [name for name, *_ in cursor.description]
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            connection.close()
            raise UsageError(
                f"the query on {self.database} has several columns {', '.join(map(repr, twice))}",
                hint="name each: SELECT a.id AS order_id, b.id AS customer_id",
            )

        def rows() -> Iterator[Sequence[Any]]:
            try:
                yield from cursor
            except sqlite3.Error as error:
                raise self._refusal(error, refused) from None
            finally:
                connection.close()

        return columns, rows()

    def _refusal(self, error: Exception, refused: Sequence[str]) -> DataError | UsageError:
        said = str(error)
        if refused or "readonly" in said or "query_only" in said:
            return UsageError(f"the query on {self.database} may only read ({said})", hint="one SELECT statement")
        if "one statement" in said:
            return UsageError(f"the query on {self.database} is several statements; one SELECT is read")
        if "binding" in said.lower():
            given = ", ".join(sorted(self.parameters)) or "none"
            return UsageError(f"the query on {self.database}: {said}; `parameters:` gives {given}")
        if isinstance(error, sqlite3.OperationalError):
            return UsageError(f"the query on {self.database} fails: {said}")
        return DataError(f"{self.database} cannot be read: {said}")

    # -- the snapshot, read like any file ------------------------------------------------------

    def _files(self) -> Files:
        return Files(path=self.database, format="jsonl", types=self.types, allow_empty=True, max_line_mb=1024)

    def inputs(self, root: Path) -> tuple[list[Input], list[str]]:
        if self._snapshot is None:  # before it is fetched there is nothing that another machine would have to see
            return [], []
        status = self._snapshot.path.stat()
        return [Input(self.database, str(self._snapshot.path), status.st_size, status.st_mtime_ns)], []

    def cut(self, what: Input) -> Cut:
        return self._files().cut(what)

    def read(self, what: Input, slices: Sequence[Slice], wanted: dict[str, Reading] | None = None) -> Iterator[Batch]:
        return self._files().read(what, slices, wanted)

    def reader(self) -> dict[str, Any]:
        return {"sql": self.version, **self._files().reader()}

    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.id, *self.types]))

    def check_empty(self, what: Input) -> None:
        if not self.allow_empty:
            raise DataError(
                f"the query on {what.path} finds no rows",
                hint=f"look at its parameters ({_told(self.parameters)}), or set `allow_empty: true`",
            )


def _told(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in parameters.items()) or "it has none"


def _stamp(place: Path) -> list[list[int]]:
    """Size and time of the database and of its write-ahead log: another when somebody wrote."""
    found = []
    for path in (place, place.with_name(place.name + "-wal")):
        try:
            status = path.stat()
        except OSError:
            continue
        if status.st_size or path == place:
            found.append([status.st_size, status.st_mtime_ns])
    return found
