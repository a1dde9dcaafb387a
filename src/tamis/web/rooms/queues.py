"""The review queue of a gate: its desk, the next rows, how far it is, how far reviewers agree, disagreements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tamis.core.errors import UsageError, did_you_mean
from tamis.engine.reviewing import Order
from tamis.runs import reviewers
from tamis.runs.figure import Figure
from tamis.runs.gates import gate_names
from tamis.runs.queue import Card, Progress, Queue

from .. import shapes
from ..asked import Asked
from ..opened import Opened
from ..problems import NotThere, Refused
from ..texts import Cutter
from ..words import decided, said

#: rows given at a time, and disagreements
GIVEN, DIFFERING = 50, 200
ORDERS: tuple[Order, ...] = ("row", "random", "uncertainty", "disagreement", "cluster")
#: resamples behind an interval that a page waits for
RESAMPLES = 500


def asks_rows(run: Opened, step: str) -> bool:
    """Whether a run came to a gate of this name that asks about rows."""
    return step in gate_names(run.folder)


def gate_step(run: Opened, step: str) -> None:
    """400 unless the step is a gate."""
    gates = [str(one["name"]) for one in run.ledger.steps if str(one.get("address", "")).startswith("review.")]
    if step not in gates:
        raise Refused(400, f"{step!r} is no gate; {did_you_mean(step, gates)}")


def queue_of(asked: Asked, run: Opened, step: str) -> Queue:
    """The queue of a gate, one for all who ask. 404 where the run came to no such gate."""
    if not asks_rows(run, step):
        raise NotThere(f"{run.name} has not come to a gate {step!r} that asks about rows")
    people = tuple(asked.site.people.team or ())
    with run.lock:
        key = ("queue", step, people)
        if key not in run.memory:
            path = asked.site.workspace.decisions(run.recipe)
            run.memory[key] = Queue(run.folder, step, decisions=path, reviewers=people)
        found: Queue = run.memory[key]
        return found


def queue(asked: Asked) -> shapes.Queue:
    """The next rows for who asks. `after`: rows they have already, comma-separated."""
    run = asked.run
    rows = queue_of(asked, run, asked.path["step"])
    who = asked.person.name or asked.person.session[:8]
    held = set(asked.names("after"))
    limit = asked.number("limit", 10, GIVEN)
    order = _order(rows, asked.text("order"))
    found = rows.next(who, min(limit + len(held), 2 * GIVEN), order=order)
    cards = [card for card in found if card.row not in held][:limit]
    desk = told_desk(run, rows)
    return shapes.Queue(desk=desk, progress=told_progress(rows, who), cards=told_cards(run, rows, cards))


def _order(rows: Queue, text: str) -> Order | None:
    for known in ORDERS:
        if text == known:
            if known not in rows.gate.orders():
                raise Refused(400, f"the gate has no order {text!r}; {did_you_mean(text, rows.gate.orders())}")
            return known
    if text:
        raise Refused(400, f"no order {text!r}; {did_you_mean(text, rows.gate.orders())}")
    return None


def progress(asked: Asked) -> shapes.Progress:
    """How far the gate is, and who asks."""
    return told_progress(queue_of(asked, asked.run, asked.path["step"]), asked.person.name)


def told_progress(rows: Queue, who: str) -> shapes.Progress:
    told: Progress = rows.progress(who or None)
    return shapes.Progress(
        asked=told.asked,
        decided=told.decided,
        mine=told.mine if who else 0,
        left=told.left,
        disagreements=told.differing,
        median_seconds=told.median_seconds,
        left_seconds=told.seconds_left,
    )


def told_desk(run: Opened, rows: Queue) -> shapes.Desk:
    """How the gate is reviewed."""
    setup = rows.setup
    steps = run.manifest.get("recipe", {}).get("steps", [])
    own: Mapping[str, Any] = next((one for one in steps if rows.step in (one.get("id"), one.get("use"))), {})
    return shapes.Desk(
        step=rows.step,
        question=rows.gate.question,
        guidelines=rows.gate.guidelines or "",
        questions=[shapes.Question(id=one.id, text=one.text) for one in setup.questions],
        reject_reasons=list(setup.reject_reasons),
        labels={name: list(choices) for name, choices in setup.labels.items()},
        show=[str(one) for one in own.get("show", ())],
        blind=list(setup.blind),
        edit=setup.edit,
        rate=setup.rate,
        pair=setup.pair,
        reviewers=setup.reviewers,
        order=setup.order,
        orders=list(rows.gate.orders()),
    )


def told_cards(run: Opened, rows: Queue, cards: Sequence[Card], *, reveal: bool = False) -> list[shapes.Card]:
    """Cards as pages show them. What steps said is left out where a column is hidden from reviewers."""
    words = {} if rows.setup.blind and not reveal else _words(run, rows, cards)
    return [_card(card, words.get(card.row, [])) for card in cards]


def _words(run: Opened, rows: Queue, cards: Sequence[Card]) -> dict[str, list[shapes.StepWord]]:
    places: dict[int, dict[int, str]] = {}
    for card in cards:
        index = rows.gate.index(card.row)
        if index is not None:
            partition, row = rows.gate.place(index)
            places.setdefault(partition, {})[row] = card.row
    before = run.step_number(rows.step) - 1
    found = {}
    for partition, ids in places.items():
        for row, words in said(run, partition, list(ids), before).items():
            found[ids[row]] = words
    return found


def _card(card: Card, words: list[shapes.StepWord]) -> shapes.Card:
    cutter, record = Cutter(), card.record
    text = record.get("text")
    columns: dict[str, Any] = {
        name: cutter.value(one, name)
        for name, one in record.items()
        if name not in ("messages", "rejected", "text") and one is not None and not name.startswith("~")
    }
    return shapes.Card(
        id=card.row,
        version=card.version,
        content=card.content,
        round=card.round,
        messages=cutter.messages(record.get("messages"), "messages"),
        rejected=cutter.messages(record.get("rejected"), "rejected"),
        text=cutter.text(text, "text"),
        columns=columns,
        evidence=words,
        decisions=[decided(one) for one in (*card.mine, *(d for d in card.others if d not in card.mine))],
        cut=cutter.cut,
    )


def agreement(asked: Asked) -> shapes.Agreement:
    """How far reviewers agree: with each other, with themselves, with known answers."""
    rows = queue_of(asked, asked.run, asked.path["step"])
    figures = []
    for topic in reviewers.topics(rows):
        told = reviewers.agreement(rows, topic, resamples=RESAMPLES)
        prefix = "" if topic == "decision" else f"{topic}: "
        figures += [_figure(one, prefix) for one in told.figures]
    return shapes.Agreement(
        figures=figures,
        reviewers=[
            shapes.ReviewerFigures(
                who=one.who,
                decided=one.decided,
                median_seconds=one.median_seconds,
                with_consensus=_maybe(one.with_others),
                with_self=_maybe(one.with_self),
                calibration=_maybe(one.known),
                weight=one.weight,
            )
            for one in reviewers.reviewers(rows)
        ],
    )


def _figure(one: Figure, prefix: str = "") -> shapes.Figure:
    return shapes.Figure(name=prefix + one.name, value=one.value, low=one.low, high=one.high, n=one.n)


def _maybe(one: Figure | None) -> shapes.Figure | None:
    return None if one is None else _figure(one)


def disagreements(asked: Asked) -> shapes.Disagreements:
    """The rows that wait for a last word, with what everybody said."""
    run = asked.run
    rows = queue_of(asked, run, asked.path["step"])
    ids = rows.disagreements(asked.number("limit", 20, DIFFERING))
    cards = rows.cards(ids, asked.person.name, reveal=True)
    told = told_cards(run, rows, cards, reveal=True)
    items = [shapes.Disagreement(card=card, said=[decided(one) for one in rows.standing(card.id)]) for card in told]
    return shapes.Disagreements(desk=told_desk(run, rows), items=items)


def open_numbers(run: Opened, rows: Queue) -> tuple[list[str], np.ndarray]:
    """The ids of the rows that are not decided, in the queue's order, and their numbers in row order."""
    ids = rows.undecided()
    numbers = []
    for row in ids:
        index = rows.gate.index(row)
        if index is None:
            raise UsageError(f"gate {rows.step!r} does not ask about row {row!r}")
        partition, place = rows.gate.place(index)
        numbers.append(int(run.starts[partition]) + place)
    return ids, np.array(numbers, np.int64)
