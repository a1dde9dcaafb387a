"""Clusterings: cards, how two meet, the blind test, the map."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from tamis.core.errors import UsageError
from tamis.runs.blind import BlindTest
from tamis.runs.cluster_shapes import Example, Line
from tamis.runs.clusterings import Clusterings
from tamis.runs.figure import Figure

from .. import room_shapes, shapes
from ..asked import Asked
from ..opened import Opened
from ..problems import NotThere, Refused
from ..texts import short
from .decide import named
from .overview import gates

#: characters of an example
EXAMPLE = 2000


def clusterings(asked: Asked) -> room_shapes.Clusterings:
    """The clusterings of a run, and the gate where one is chosen."""
    run = asked.run
    desk = run.clusterings()
    lines = [told_line(one) for one in desk.lines()]
    own = desk.gates
    gate = next((one for one in gates(asked) if one.kind == "clusters"), None)
    return room_shapes.Clusterings(clusterings=lines, gate=gate, shortlist=own[0].shortlist if own else 0)


def clustering(asked: Asked) -> room_shapes.ClusteringCards:
    """The cards of one clustering."""
    desk = asked.run.clusterings()
    name = _known(desk, asked.path["clustering"])
    cards = [
        room_shapes.ClusterCard(
            cluster=one.cluster,
            rows=one.rows,
            outliers=one.outliers,
            name=one.name,
            phrases=list(one.phrases),
            description=one.description,
            central=_examples(one.central),
            boundary=_examples(one.boundary),
            looked=list(one.looked),
            accuracy=one.accuracy,
        )
        for one in desk.cards(name)
    ]
    return room_shapes.ClusteringCards(line=told_line(desk.line(name)), cards=cards)


def flow(asked: Asked) -> room_shapes.ClusterFlow:
    """How the rows of two clusterings' clusters meet."""
    desk = asked.run.clusterings()
    a, b = _two(asked, desk)
    told = desk.flow(a, b)
    links = [room_shapes.FlowLink(a=x, b=y, rows=n) for x, y, n in told.links]
    return room_shapes.ClusterFlow(a=told.a, b=told.b, links=links, sentences=list(told.sentences))


def blind_test(asked: Asked) -> room_shapes.BlindTest:
    """The next blind question for who asks."""
    desk = asked.run.clusterings()
    told = BlindTest(desk, *_two(asked, desk)).next(named(asked))
    return room_shapes.BlindTest(
        kind=told.kind, token=told.token, rows=_examples(told.rows), asked=told.asked, left=told.left
    )


def blind_results(asked: Asked) -> room_shapes.TestResults:
    """What people's answers come to."""
    desk = asked.run.clusterings()
    told = BlindTest(desk, *_two(asked, desk)).results()
    return room_shapes.TestResults(
        a=told.a,
        b=told.b,
        answers=told.answers,
        wins=[_figure(one) for one in told.wins],
        odd=[_figure(one) for one in told.odd],
    )


def _two(asked: Asked, desk: Clusterings) -> tuple[str, str]:
    a, b = asked.text("a"), asked.text("b")
    if not a or not b:
        raise Refused(400, "which two clusterings?", hint="?a=…&b=…")
    return _known(desk, a), _known(desk, b)


def _known(desk: Clusterings, name: str) -> str:
    try:
        return desk.name(name)
    except UsageError as error:
        raise NotThere(error.message) from error


def told_line(one: Line) -> room_shapes.ClusteringLine:
    return room_shapes.ClusteringLine(
        clustering=one.clustering,
        step=one.step,
        use=one.use,
        parameters=dict(one.parameters),
        rows=one.rows,
        clusters=one.clusters,
        outliers=one.outliers,
        hints=[_figure(hint) for hint in one.hints],
        shortlisted=list(one.shortlisted),
        chosen=one.chosen,
        looked=one.looked,
    )


def _figure(one: Figure) -> shapes.Figure:
    return shapes.Figure(name=one.name, value=one.value, low=one.low, high=one.high, n=one.n)


def _examples(some: Iterable[Example]) -> list[room_shapes.ClusterExample]:
    return [room_shapes.ClusterExample(id=one.id, text=short(one.text, EXAMPLE)) for one in some]


# -- the map --------------------------------------------------------------------------------------

#: texts given at a time
TEXTS = 2000


def points(asked: Asked) -> bytes:
    """The points of the map, as `runs/map.py` writes them."""
    made = _map(asked.run, asked.text("layout") or None).points
    return bytes(made() if callable(made) else made)


def map_texts(asked: Asked) -> room_shapes.MapTexts:
    """Texts of some points, by their places in the map."""
    start = asked.number("start", 0, 1 << 40)
    stop = min(asked.number("stop", start + 100, 1 << 40), start + TEXTS)
    texts = _map(asked.run, asked.text("layout") or None).texts(start, max(start, stop))
    return room_shapes.MapTexts(start=start, texts=[short(str(one or "")) for one in texts])


def _map(run: Opened, layout: str | None) -> Any:
    """The map of a run. 404 where there is none."""
    try:
        map_data = importlib.import_module("tamis.runs.map").map_data
    except ImportError:
        raise NotThere("this version makes no maps") from None
    with run.lock:
        key = ("map", layout)
        if key not in run.memory:
            try:
                run.memory[key] = map_data(run.folder, layout)
            except UsageError as error:
                raise NotThere(error.message, hint=error.hint) from error
        return run.memory[key]
