"""The table of rows: a page of it, and the values of columns among the rows asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from tamis.engine.frame import Frame

from .. import shapes
from ..asked import Asked
from ..opened import OUTCOMES, Opened
from ..table import ENDS, Look, Rows, column, rows_of
from ..texts import frame_of, line, or_gone, shown_columns, text_columns, told, unveiled, value

#: rows of a page, and columns asked for at a time
PAGE, COLUMNS = 500, 40
#: values of a column told one by one; distinct values counted of each; characters of one
VALUES, COUNTED, LONG = 30, 100_000, 120


def look_of(asked: Asked) -> Look:
    """The rows that a query means. Who does not lead looks only into what privacy steps are done with."""
    names = ("q", "where", "sort", "outcome", "step", "reason")
    return Look(
        **{name: asked.text(name) for name in names},
        descending=bool(asked.query.get("descending", False)),
        seen_only=asked.person.role != "lead",
    )


def rows(asked: Asked) -> shapes.RowsPage:
    """A page of the table."""
    run = asked.run
    found = rows_of(run, look_of(asked))
    offset, limit = asked.number("offset", 0, 1 << 40), asked.number("limit", 100, PAGE)
    wanted = list(dict.fromkeys(_wanted(run, name) for name in asked.names("columns")[:COLUMNS]))
    lines = lines_of(run, found[offset : offset + limit], wanted, asked.text("q"))
    return shapes.RowsPage(total=len(found), offset=offset, rows=lines, columns=_shown(run))


def _wanted(run: Opened, name: str) -> str:
    return name if name in ENDS else column(run, name)


def _shown(run: Opened) -> list[str]:
    try:
        return shown_columns(run)
    except Exception as error:
        from tamis.core.errors import DataError

        if isinstance(error, DataError):  # the text is gone; the ledger is not
            return []
        raise


def lines_of(run: Opened, rows: Rows, columns: Sequence[str] = (), q: str = "") -> list[shapes.RowLine]:
    """Some rows on a line each, in their order, around what was searched for. Where their text is gone, without it."""
    if not len(rows):
        return []
    ends = run.ends
    names = [name for name in columns if name not in ENDS]

    def read() -> list[dict[str, Any]]:
        split = ["split"] if "split" in shown_columns(run) else []
        return told(run, rows, [*text_columns(run), *names, *split])

    records, _ = or_gone(read, len(rows))
    lines = []
    for id, row, record in zip(run.ids(rows), rows.tolist(), records, strict=True):
        number, reason = int(ends.step[row]), int(ends.reason[row])
        lines.append(
            shapes.RowLine(
                id=id,
                text=line(record, q=q) if record else "",
                outcome=OUTCOMES[ends.outcome[row]],
                step=run.steps[number - 1] if number else None,
                reason=run.reasons[reason][1] if reason >= 0 else None,
                split=record.get("split"),
                values={name: value(record.get(name)) for name in names},
            )
        )
    return lines


def facets(asked: Asked) -> shapes.FacetList:
    """The values of columns among the rows asked for, the most frequent first."""
    run = asked.run
    look = look_of(asked)._replace(sort="", descending=False)
    found = rows_of(run, look)
    names = asked.names("of")[:COLUMNS] or [*ENDS]
    wanted = list(dict.fromkeys(_wanted(run, name) for name in names))
    return shapes.FacetList(facets=[run.facets.get((look, name), partial(_facet, run, found, name)) for name in wanted])


def _facet(run: Opened, rows: Rows, name: str) -> shapes.Facet:
    counts = _of_ends(run, rows, name) if name in ENDS else _of_column(run, rows, name)
    best = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))[:VALUES]
    values = [shapes.FacetValue(value=one, rows=n) for one, n in best]
    return shapes.Facet(column=name, values=values, others=len(rows) - sum(n for _, n in best))


def _of_ends(run: Opened, rows: Rows, name: str) -> Counter[Any]:
    ends = run.ends
    codes = ends.codes(name)[rows]
    numbers, counts = np.unique(codes, return_counts=True)
    told: Counter[Any] = Counter()
    for code, n in zip(numbers.tolist(), counts.tolist(), strict=True):
        if name == "outcome":
            told[OUTCOMES[code]] += n
        elif name == "step":
            told[run.steps[code - 1] if code else None] += n
        else:
            told[run.reasons[code][1] if code >= 0 else None] += n
    return told


def _of_column(run: Opened, rows: Rows, name: str) -> Counter[Any]:
    parts = run.places(rows)
    counted: pl.DataFrame | None = None
    with run.scanning:
        for index in np.unique(parts).tolist():
            mine = rows[parts == index] - run.starts[index]
            values = frame_of(run, index)[name].gather(pl.Series(mine, dtype=pl.UInt32))
            if isinstance(values.dtype, pl.List | pl.Struct | pl.Array):
                values = pl.Series([value(one, LONG) for one in values.to_list()], dtype=pl.String)
            elif values.dtype != pl.String:
                values = values.cast(pl.String, strict=False)
            frame = pl.DataFrame({"value": values.str.head(LONG)}).group_by("value").len("rows")
            counted = (
                frame if counted is None else pl.concat([counted, frame]).group_by("value").agg(pl.col("rows").sum())
            )
            if counted.height > 2 * COUNTED:
                counted = counted.sort("rows", descending=True).head(COUNTED)
    if counted is None:
        return Counter()
    best = counted.sort("rows", "value", descending=[True, False]).head(VALUES * 2)
    if run.hidden:  # a value may be of a row that no privacy step has seen
        veiled = unveiled(run, Frame.of(best.select(pl.col("value").alias(name))))
        best = best.with_columns(veiled[name].alias("value"))
    told: Counter[Any] = Counter()
    for one, n in best.iter_rows():
        told[one] += n
    return told
