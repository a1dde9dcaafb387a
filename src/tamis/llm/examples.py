"""Examples that a prompt shows: rows people reviewed, in a file beside it, picked for each row the same way every time.

A line is {"id": …, "input": {column: text, …}, "output": …}. The file is part of the prompt's version: what a model is
shown changes only when people change it. A row is never shown itself, nor its twin.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.calls import Models
from tamis.core.errors import DataError

from .prompts import ExampleSettings

#: characters of a text that are compared where there is no embedder
COMPARED = 2000
#: digits of a cosine similarity that count: the others may differ from machine to machine
DIGITS = 4


class Example(NamedTuple):
    """A reviewed row: its id ('' where people wrote it themselves), what the prompt shows of it, what is right."""

    id: str
    input: Mapping[str, str]
    output: Any

    @property
    def text(self) -> str:
        """What it is compared by."""
        return "\n".join(self.input.values())


def examples_file(prompt: Path, settings: ExampleSettings) -> Path:
    """Where a prompt's examples stand: `<prompt>.examples.jsonl` beside it, unless it says otherwise."""
    return prompt.parent / (settings.file or f"{prompt.stem}.examples.jsonl")


def load_examples(path: Path) -> tuple[Example, ...]:
    """The examples of a file; none where there is no file yet."""
    try:
        stamp = path.stat()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise DataError(f"the examples {path} cannot be read: {error.strerror}") from None
    return _load(path, (stamp.st_mtime_ns, stamp.st_size))


@lru_cache(maxsize=32)
def _load(path: Path, stamp: tuple[int, int]) -> tuple[Example, ...]:
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            found.append(
                Example(str(told.get("id", "")), {k: str(v) for k, v in told["input"].items()}, told["output"])
            )
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise DataError(
                f'{path}:{number}: no example: {{"id": …, "input": {{column: text}}, "output": …}} is one ({error!r})'
            ) from None
    return tuple(found)


def line_of(example: Example) -> str:
    """An example as a line of its file."""
    return json.dumps({"id": example.id, "input": dict(example.input), "output": example.output}, ensure_ascii=False)


async def pick(
    examples: Sequence[Example],
    settings: ExampleSettings,
    values: Mapping[str, str],
    row: str,
    models: Models,
    embedder: str | None = None,
) -> list[Example]:
    """The examples for one row, in the order they are shown: what is nearest to the row stands nearest to it."""
    usable = [one for one in examples if one.id != row and dict(one.input) != dict(values)]
    if settings.pick == "fixed" or not usable:
        return usable[: settings.count]
    if settings.pick == "diverse":
        return _diverse(usable, await _likeness(usable, [one.text for one in usable], models, embedder), settings.count)
    near = (await _likeness(usable, ["\n".join(values.values())], models, embedder))[0]
    order = sorted(range(len(usable)), key=lambda k: (-near[k], k))
    if settings.pick == "similar":
        return [usable[k] for k in reversed(order[: settings.count])]
    taken: dict[str, int] = {}
    chosen = []
    for k in order:
        label = json.dumps(usable[k].output, ensure_ascii=False, sort_keys=True)
        if taken.get(label, 0) < settings.count:
            taken[label] = taken.get(label, 0) + 1
            chosen.append(k)
    return [usable[k] for k in reversed(chosen)]


def _diverse(examples: Sequence[Example], likeness: NDArray[np.float64], count: int) -> list[Example]:
    """Farthest first, from the one most like all others."""
    chosen = [int(np.argmax(likeness.sum(axis=1).round(DIGITS)))]
    while len(chosen) < min(count, len(examples)):
        nearest = likeness[:, chosen].max(axis=1)
        nearest[chosen] = np.inf
        chosen.append(int(np.argmin(nearest)))
    return [examples[k] for k in chosen]


async def _likeness(
    examples: Sequence[Example], texts: Sequence[str], models: Models, embedder: str | None
) -> NDArray[np.float64]:
    """(texts, examples) float64, 0..1 or so: cosine of embeddings, or the shared character trigrams."""
    if embedder is None:
        grams = [_trigrams(one.text) for one in examples]
        return np.array([[_jaccard(_trigrams(text), gram) for gram in grams] for text in texts]).round(DIGITS)
    known = await _embedded(tuple(one.text for one in examples), models, embedder)
    asked = _unit(await models.embed(embedder, texts))
    cosine: NDArray[np.float64] = (asked.astype(np.float64) @ known.T.astype(np.float64)).round(DIGITS)
    return cosine


#: (models, role, texts) → their vectors being asked for; few, as a prompt has one set of examples
_VECTORS: list[tuple[Models, str, tuple[str, ...], asyncio.Future[NDArray[np.float32]]]] = []


async def _embedded(texts: tuple[str, ...], models: Models, role: str) -> NDArray[np.float32]:
    """The examples' vectors, asked for once in a run."""
    for who, by, what, future in _VECTORS:
        if who is models and by == role and what == texts and future.get_loop() is asyncio.get_running_loop():
            return await asyncio.shield(future)
    future = asyncio.get_running_loop().create_future()
    entry = (models, role, texts, future)
    _VECTORS.append(entry)
    del _VECTORS[:-8]
    try:
        future.set_result(_unit(await models.embed(role, texts)))
    except BaseException as error:
        if entry in _VECTORS:
            _VECTORS.remove(entry)
        if not future.done():
            future.set_exception(error) if isinstance(error, Exception) else future.cancel()
        if not future.cancelled():
            future.exception()
        raise
    return future.result()


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms == 0, 1, norms), np.float32)


@lru_cache(maxsize=4096)
def _trigrams(text: str) -> frozenset[str]:
    folded = " ".join(text[:COMPARED].casefold().split())
    return frozenset(folded[k : k + 3] for k in range(max(1, len(folded) - 2)))


def _jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b)
