"""Judging a frame with a row step, so that one row that makes it fail does not take others with it."""

from __future__ import annotations

import traceback
from pathlib import Path

import numpy as np
import polars as pl

from tamis.core.errors import StepError, TamisError
from tamis.core.step import RowStep

from .frame import Frame
from .judge import QUARANTINED, Judged, absent_views, change_name, resolve

#: a partition in which more rows than this make a step fail is not bisected to its end
MAX_FAILURES = 1000


def judge_safely(step: RowStep, frame: Frame) -> Judged:
    """Judge a frame; where the step fails, halve it until the failing rows stand alone, and quarantine those."""
    failures = [0]
    return _judge_part(step, frame, failures)


def _judge_part(step: RowStep, frame: Frame, failures: list[int]) -> Judged:
    try:
        verdict = step.judge(frame)
        before = {}
        for name in verdict.changes:
            full = change_name(step, name)
            before[full] = frame[full] if full in frame.names else None
        absent = absent_views(step, frame)
        return resolve(step, verdict, height=frame.height, before=before, not_applicable=absent)
    except TamisError:
        raise
    except Exception as error:
        if frame.height > 1:
            half = frame.height // 2
            left = _judge_part(step, frame.take(np.arange(half)), failures)
            right = _judge_part(step, frame.take(np.arange(half, frame.height)), failures)
            return _join(left, right)
        failures[0] += 1
        if failures[0] > MAX_FAILURES:
            raise StepError(
                f"step {step.name!r} fails on more than {MAX_FAILURES} rows of one partition: {type(error).__name__}: {error}",
                hint="mend the step; nothing was lost",
            ) from error
        return _failed(frame.height, error)


def _failed(height: int, error: Exception) -> Judged:
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
    return Judged(
        np.full(height, QUARANTINED, np.uint8),
        np.full(height, -1, np.int8),
        np.zeros(height, np.bool_),
        np.zeros(height, np.bool_),
        {"error": pl.Series([text] * height)},
        {},
    )


def _join(a: Judged, b: Judged) -> Judged:
    """Two halves of a frame as one."""
    na, nb = len(a.outcome), len(b.outcome)

    def both(left: dict[str, pl.Series], right: dict[str, pl.Series]) -> dict[str, pl.Series]:
        joined = {}
        for name in dict.fromkeys([*left, *right]):
            dtype = (left[name] if name in left else right[name]).dtype
            parts = [
                side[name] if name in side else pl.Series(name, [None], dtype=dtype).new_from_index(0, count)
                for side, count in ((left, na), (right, nb))
            ]
            joined[name] = pl.concat(parts)
        return joined

    return Judged(
        np.concatenate([a.outcome, b.outcome]),
        np.concatenate([a.reason, b.reason]),
        np.concatenate([a.not_applicable, b.not_applicable]),
        np.concatenate([a.changed, b.changed]),
        both(a.evidence, b.evidence),
        both(a.changes, b.changes),
    )
