"""Figures that models give: log-probabilities of an answer, rewards, vectors. Pure functions, as the `shapes` are."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.core.calls import CallFailed

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def unreadable(what: str) -> CallFailed:
    """The reply is not what its API promises."""
    return CallFailed("unreadable", f"the reply {what}")


# -- log-probabilities, over the completions API with `echo` (vLLM, Together, Fireworks, `tamis llm serve`) ------------


def before(messages: Sequence[Mapping[str, Any]]) -> str:
    """What stands before the answer: the messages' texts, an empty line after each."""
    return "".join(f"{message.get('content') or ''}\n\n" for message in messages)


def logprobs_request(
    name: str, messages: Sequence[Mapping[str, Any]], answer: str, *, served: bool = False
) -> tuple[str, dict[str, Any]]:
    """Path and body. One token is generated, since not everybody takes none; it is not read. served: by Tamis itself,
    which looks at no token before the answer when told where it begins."""
    told = before(messages)
    body = {"model": name, "prompt": told + answer, "max_tokens": 1, "temperature": 0.0, "echo": True, "logprobs": 1}
    return "/completions", body | ({"echo_from": len(told)} if served else {})


def read_logprobs(data: Any, messages: Sequence[Mapping[str, Any]], answer: str) -> list[float]:
    """Natural log-probability of each token of the answer. A token that reaches over its border belongs to the answer.

    The first token of a text has none where nothing stands before it.
    """
    try:
        told = data["choices"][0]["logprobs"]
        offsets, figures = told["text_offset"], told["token_logprobs"]
        ends = [*offsets[1:], math.inf]
    except (KeyError, IndexError, TypeError):
        raise unreadable(
            "has no log-probabilities of the prompt: the endpoint must take `echo` with `logprobs`"
        ) from None
    start = len(before(messages))
    stop = start + len(answer)
    found = [
        figure for begin, end, figure in zip(offsets, ends, figures, strict=False)
        if end > start and begin < stop and figure is not None
    ]  # fmt: skip
    if any(isinstance(one, bool) or not isinstance(one, int | float) or not -math.inf < one <= 1e-3 for one in found):
        raise unreadable("has log-probabilities that are none")
    if answer and messages and not found:
        raise unreadable("has no log-probabilities of the answer: the endpoint must take `echo` with `logprobs`")
    return [min(float(one), 0.0) for one in found]


# -- rewards ----------------------------------------------------------------------------------------------------------


def reward_request(name: str, url: str, messages: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Path and body: vLLM's /pooling, which stands beside /v1, so its connection names no /v1; else, as NVIDIA's
    services have it, a chat whose reply is the figure."""
    body = {"model": name, "messages": [dict(message) for message in messages]}
    return ("/chat/completions", body) if re.search(r"/v\d+/?$", url) else ("/pooling", body)


def read_reward(data: Any) -> float:
    """
    >>> read_reward({"data": [{"index": 0, "data": [[0.5], [1.25]]}]}), read_reward({"score": -3})
    (1.25, -3.0)
    >>> read_reward({"choices": [{"message": {"content": "reward:-2.5"}}]})
    -2.5
    """
    found = data
    while True:
        if isinstance(found, dict):
            name = next(
                (
                    one
                    for one in (
                        "reward",
                        "score",
                        "data",
                        "scores",
                        "choices",
                        "probs",
                        "message",
                        "content",
                        "logprobs",
                    )
                    if found.get(one) is not None
                ),
                None,
            )
            found = None if name is None else found[name]
        elif isinstance(found, list) and found:
            found = found[-1]  # a figure for each token: the last one's is the whole's
        elif isinstance(found, str) and (match := _NUMBER.search(found)):
            found = float(match.group())
        else:
            break
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise unreadable("has no reward in it")
    return float(found)


# -- vectors ----------------------------------------------------------------------------------------------------------


def embed_request(name: str, texts: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Path and body of OpenAI's embeddings API."""
    return "/embeddings", {"model": name, "input": list(texts), "encoding_format": "float"}


def read_vectors(data: Any, count: int) -> NDArray[np.float32]:
    """(count, dimensions) float32, in the order of the texts: joined by their index, not by where they stand."""
    told = data.get("data") if isinstance(data, dict) else None
    if not isinstance(told, list) or len(told) != count:
        raise unreadable(f"has {len(told) if isinstance(told, list) else 'no'} vectors for {count} texts")
    rows: dict[int, Any] = {}
    for place, one in enumerate(told):
        if not isinstance(one, dict):
            raise unreadable("has vectors that are no objects")
        rows[one.get("index", place)] = one.get("embedding")
    try:
        vectors = np.array([rows[index] for index in range(count)], np.float32)
    except (KeyError, ValueError, TypeError):
        raise unreadable("has vectors of different lengths, or without their places") from None
    if vectors.ndim != 2 or not vectors.shape[1] or not np.isfinite(vectors).all():
        raise unreadable("has vectors that are none")
    return vectors
