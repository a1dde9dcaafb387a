"""Files of pairs and labels as they were when TRL and `datasets` loaded them: `python scripts/check_preferences.py`."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tamis.core.origin import Sink
from tamis.sinks.checks import check_file
from tamis.sinks.openai_dpo import OpenaiDpo
from tamis.sinks.trl_kto import TrlKto
from tamis.sinks.trl_preference import TrlPreference

from .turns import GOOD, TOOL_TURNS, TOOLS, bot, table, user

GOLDEN = Path(__file__).with_name("golden")


def frame() -> pl.DataFrame:
    pairs = table(*GOOD, *GOOD, ([user(), *TOOL_TURNS], [bot("No idea.")]))
    tools = [None] * 10 + [TOOLS]
    return pairs.with_columns(
        pl.Series("tools", tools, dtype=pl.String),
        pl.Series("judge.margin", [k / 4 for k in range(11)]),
        pl.Series("source.good", [k % 2 == 0 for k in range(11)]),
    )


SINKS: list[tuple[str, Sink, int]] = [
    ("openai_dpo", OpenaiDpo(path="out"), 10),
    ("trl_preference", TrlPreference(path="out", margin="margin"), 11),
    ("trl_kto", TrlKto(path="out"), 11),
]


@pytest.mark.parametrize(("target", "sink", "rows"), SINKS)
def test_the_bytes_are_the_ones_that_trainers_loaded(target: str, sink: Sink, rows: int) -> None:
    some = frame()[:rows]
    path = GOLDEN / f"{target}.jsonl"
    assert sink.check(some) == []
    assert path.read_bytes() == bytes(sink.encode(some))
    assert check_file(path, target) == []
