"""Displays tell rows, rates and what is left, on their stream alone."""

from __future__ import annotations

import dataclasses
import io
import json

from tamis.core.events import Event, PartitionDone, RunStarted, StageStarted, StepDone, Warned
from tamis.runner.display import Lines, Plain, account_text

EVENTS: list[Event] = [
    RunStarted("3", "mine", ["a"], True),
    StageStarted("read", ["files"], 2, 4_000_000, "bytes"),
    PartitionDone("read", 1_000_000, False),
    StageStarted("a", ["a"], 2, 10, "rows"),
    PartitionDone("a", 4, False),
    StepDone("a", {"in": 10, "kept": 8, "dropped": 2}, {"short": 2}, 10),
    Warned("careful"),
]


def shown(display: type[Plain]) -> str:
    stream = io.StringIO()
    listener = display(stream, every=0.0)
    for event in EVENTS:
        listener(event)
    return stream.getvalue()


def test_plain_lines() -> None:
    told = shown(Plain).split("\n")
    assert told[0] == "mine: run 3 (resumed)"
    assert told[1].startswith("  1.0 MB of 4.0 MB, ")
    assert told[1].endswith(" s left")
    assert told[2].startswith("  4 rows of 10 rows, ")
    assert told[3] == "  a: 10 in = 8 kept + 2 dropped (short 2)  [cached]"
    assert told[4] == "  warning: careful"


def test_json_lines_are_the_events() -> None:
    told = [json.loads(line) for line in shown(Lines).split("\n") if line]
    assert [record["event"] for record in told] == [type(event).__name__ for event in EVENTS]
    assert told[2]["rows"] == 1_000_000


def test_the_account_says_only_what_happened() -> None:
    assert account_text({"in": 1200, "born": 3, "kept": 1203}, {}) == "1,200 in + 3 born = 1,203 kept"


def test_asking_is_told_with_rows_tokens_and_money() -> None:
    from tamis.core.events import CallsProgress
    from tamis.runner.display import calls_text

    event = CallsProgress(
        "annotate.label", rows=200, known=30, ok=120, failed=2, requests=125, cached=5, tokens_in=41_200,
        tokens_out=900, usd=0.124, usd_to_come=0.05, window=64, in_flight=60, seconds=10.0, reasons={"timeout": 2},
    )  # fmt: skip
    assert calls_text(event) == (
        "120 ok, 2 failed (timeout 2), 30 known; 12.5 requests/s, 5 bought before, 41k tokens in, 900 out, "
        "60 of 64 at once; $0.12 so far, about $0.05 to come"
    )
    assert calls_text(dataclasses.replace(event, usd=None)).endswith("price unknown")
    stream = io.StringIO()
    Plain(stream, every=0.0)(event)
    assert stream.getvalue().startswith("  annotate.label: 152 of 200 rows, 4 s left: 120 ok")
