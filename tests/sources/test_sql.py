"""Rows of a query: read-only, bound, read once."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import DataError, GateWaiting, UsageError
from tamis.recipe.load import parse
from tamis.runner.execute import Options, execute

RECIPE = """
tamis: 1
name: mails
sources:
  - use: sql
    database: log.db
    query: {query}
    parameters: {{since: "2026-01-02"}}
    id: [id]
steps:
  - use: map.template
    user: "{{text}}"
{more}
deliver:
  - use: jsonl
    path: dist/mails
"""
SINCE = "SELECT id, day, text, stars FROM mails WHERE day >= :since ORDER BY id"


def database(folder: Path, rows: list[tuple[Any, ...]]) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "log.db")
    connection.execute("CREATE TABLE IF NOT EXISTS mails (id INTEGER, day TEXT, text TEXT, stars)")
    connection.executemany("INSERT INTO mails VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    return connection


MAILS = [
    (1, "2026-01-01", "old", 1),
    (2, "2026-01-02", "it's; DROP TABLE mails", 2.5),
    (3, "2026-01-03", "ünï\n🎈", None),
]


def run(folder: Path, query: str = SINCE, more: str = "", **options: Any) -> Any:
    recipe = RECIPE.format(query=json.dumps(query), more=more)
    return execute(parse(recipe), folder, Options(**options))


def delivered(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "dist/mails/data.jsonl").read_text("utf-8").split("\n") if line]


def test_rows_come_with_their_kinds_and_order(tmp_path: Path) -> None:
    database(tmp_path, MAILS).close()
    result = run(tmp_path)
    rows = delivered(tmp_path)
    assert [(row["id"], row["text"], row["stars"]) for row in rows] == [
        (2, "it's; DROP TABLE mails", 2.5),
        (3, "ünï\n🎈", None),
    ]
    assert [one["path"] for one in result.manifest["files"]] == ["log.db"]
    assert result.manifest["warnings"] == [w for w in result.manifest["warnings"] if "ORDER BY" not in w]


def test_the_database_is_read_again_only_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database(tmp_path, MAILS).close()
    run(tmp_path)
    asked: list[str] = []
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: (asked.append(str(a[0])), real(*a, **k))[1])
    run(tmp_path)
    assert asked == []
    connection = database(tmp_path, [(4, "2026-01-04", "new", 5)])
    connection.close()
    asked.clear()
    run(tmp_path)
    assert len(asked) == 1
    assert [row["id"] for row in delivered(tmp_path)] == [2, 3, 4]


def test_what_stands_in_the_write_ahead_log_is_seen(tmp_path: Path) -> None:
    first = database(tmp_path, MAILS)
    first.execute("PRAGMA journal_mode = WAL")
    run(tmp_path)
    first.execute("INSERT INTO mails VALUES (9, '2026-02-01', 'in the log', 1)")
    first.commit()  # the database file itself is as it was
    run(tmp_path)
    assert [row["id"] for row in delivered(tmp_path)] == [2, 3, 9]
    first.close()


def test_a_run_that_waited_goes_on_with_the_rows_it_began_with(tmp_path: Path) -> None:
    database(tmp_path, MAILS).close()
    gate = "  - use: review.gate\n    question: fine?\n    undecided: keep\n"
    with pytest.raises(GateWaiting):
        run(tmp_path, more=gate)
    database(tmp_path, [(4, "2026-01-04", "new", 5)]).close()
    with pytest.raises(GateWaiting, match=r"of 2 rows"):
        run(tmp_path, more=gate)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM mails", "may only read"),
        ("INSERT INTO mails VALUES (9, '', '', 0)", "may only read"),
        ("DROP TABLE mails", "may only read"),
        ("ATTACH 'other.db' AS other", "may only read"),
        ("PRAGMA user_version = 3", "may only read"),
        ("SELECT 1; SELECT 2", "several statements"),
        ("SELECT 1 AS a WHERE :since > :other", "parameters:` gives since"),
        ("SELECT size FROM mails WHERE :since", "no such column: size"),
        ("SELECT id, id FROM mails WHERE :since", "several columns 'id'"),
        ("SELEC", "syntax error"),
        ("missing.sql", "cannot read missing.sql"),
    ],
)
def test_a_query_that_is_no_reading_of_rows_is_refused(tmp_path: Path, query: str, said: str) -> None:
    database(tmp_path, MAILS).close()
    with pytest.raises(UsageError, match=said):
        run(tmp_path, query)
    left = sqlite3.connect(tmp_path / "log.db").execute("SELECT count(*) FROM mails").fetchone()
    assert left == (3,)
    assert not (tmp_path / "other.db").exists()


def test_a_value_is_never_sql(tmp_path: Path) -> None:
    database(tmp_path, MAILS).close()
    text = RECIPE.format(query=json.dumps("SELECT * FROM mails WHERE text = :since ORDER BY id"), more="")
    execute(parse(text.replace('"2026-01-02"', '"it\'s; DROP TABLE mails"')), tmp_path)
    assert [row["id"] for row in delivered(tmp_path)] == [2]


def test_odd_values_are_read_or_named(tmp_path: Path) -> None:
    connection = database(
        tmp_path, [(5, "2026-03-01", "ok", "many"), (6, "2026-03-01", "ok", 1e400), (7, "2026-03-01", b"\x00\xff", 3)]
    )
    connection.execute("INSERT INTO mails VALUES (8, '2026-03-01', CAST(x'ff41' AS TEXT), 3)")
    connection.execute("INSERT INTO mails VALUES (9, '2026-03-01', 'fine', 3), (10, '2026-03-01', 'fine', 4)")
    connection.commit()
    connection.close()
    text = RECIPE.format(query=json.dumps(SINCE), more="").replace("name: mails", "name: mails\nmax_quarantined: 1.0")
    result = execute(parse(text), tmp_path)
    rows = delivered(tmp_path)
    assert [(row["id"], row["text"]) for row in rows] == [(7, "00ff"), (9, "fine"), (10, "fine")]
    assert (
        result.manifest["quarantined"]["count"] == 3
    )  # a word and an infinity among numbers, and text that is no UTF-8


@pytest.mark.parametrize(
    ("name", "said"), [("lag.db", "did you mean 'log.db'"), ("note.txt", "file is not a database")]
)
def test_no_database_is_told(tmp_path: Path, name: str, said: str) -> None:
    database(tmp_path, MAILS).close()
    (tmp_path / "note.txt").write_text("this is no database, and it is long enough to be seen as none" * 20)
    text = RECIPE.format(query=json.dumps(SINCE), more="").replace("log.db", name)
    with pytest.raises((DataError, UsageError), match=said):
        execute(parse(text), tmp_path)


def test_no_rows_and_no_order_are_told(tmp_path: Path) -> None:
    database(tmp_path, MAILS).close()
    with pytest.raises(DataError, match="finds no rows"):
        run(tmp_path, "SELECT id, text FROM mails WHERE day > '2027' AND :since ORDER BY id")
    result = run(tmp_path, "SELECT id, text FROM mails WHERE :since")
    assert any("no ORDER BY" in warning for warning in result.manifest["warnings"])


def test_the_snapshot_is_private(tmp_path: Path) -> None:
    database(tmp_path, MAILS).close()
    run(tmp_path)
    [snapshot] = (tmp_path / ".tamis/raw/queries").glob("*/rows.jsonl")
    assert os.stat(snapshot).st_mode & 0o777 == 0o600
    assert len(snapshot.read_text("utf-8").splitlines()) == 2
