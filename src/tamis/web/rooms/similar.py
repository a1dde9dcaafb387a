"""More like this: which open rows of a gate a bulk decision would reach."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .. import shapes
from ..asked import Asked
from ..opened import Opened
from ..problems import Refused
from ..table import Look, rows_of
from ..texts import line, text_columns, told
from .queues import open_numbers, queue_of
from .rows import lines_of

#: characters of a text that are compared, rows compared at most, length of a shared piece, least similarity told
READ, COMPARED, GRAM, LEAST = 600, 10_000, 5, 0.1


def similar(asked: Asked) -> shapes.Similar:
    """Open rows like a given one, the most similar first, or those for which an expression holds."""
    run, body = asked.run, asked.body
    if (body.similar_to is None) == (body.where is None):
        raise Refused(
            400, "either similar_to or where", hint='{"step": …, "similar_to": ID} or {"step": …, "where": SQL}'
        )
    rows = queue_of(asked, run, body.step)
    ids, numbers = open_numbers(run, rows)
    if body.where is not None:
        good = rows_of(run, Look(where=body.where, seen_only=asked.person.role != "lead"))
        places = np.flatnonzero(np.isin(numbers, good))[: body.limit]
        likeness = np.ones(len(places))
    else:
        places, likeness = _like(run, body.similar_to, numbers[:COMPARED], body.limit)
    chosen = [ids[k] for k in places.tolist()]
    contents = rows.contents(chosen)
    return shapes.Similar(
        rows=lines_of(run, numbers[places]),
        similarities=[round(float(one), 4) for one in likeness],
        versions=[rows.version(row) for row in chosen],
        contents=[contents[row] for row in chosen],
        by="where" if body.where is not None else "text",
    )


def _like(
    run: Opened, row: str, numbers: NDArray[np.int64], limit: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Places of the rows that share pieces of text with a row, the most similar first (Jaccard, 0..1), and how much."""
    own = run.number(run.find(row))
    texts = _texts(run, np.concatenate([[own], numbers]))
    sought = grams(texts[0])
    shares = np.array([jaccard(sought, grams(text)) for text in texts[1:]])
    shares[numbers == own] = 0
    order = np.lexsort((np.arange(len(shares)), -shares))
    order = order[shares[order] >= LEAST][:limit]
    return order, shares[order]


def _texts(run: Opened, rows: NDArray[np.int64]) -> list[str]:
    columns = text_columns(run)
    return [line(record, READ) for record in told(run, rows, columns, READ, 4)]


def grams(text: str) -> frozenset[str]:
    """The pieces of five characters of a text, in lower case."""
    low = text.lower()
    return frozenset(low[k : k + GRAM] for k in range(max(1, len(low) - GRAM + 1)))


def jaccard(a: frozenset[str], b: Iterable[str]) -> float:
    """Shared pieces of all pieces.

    >>> jaccard(grams("abcdef"), grams("abcdeg"))
    0.3333333333333333
    """
    other = frozenset(b)
    return len(a & other) / max(1, len(a | other))
