"""Vectors of texts from a table of token vectors: no network to run, thousands of texts a millisecond, the same bytes on
any number of threads.

The tokeniser sees each word once; rows are then sums over known words.
"""

from __future__ import annotations

import itertools
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Text
from tamis.core.errors import CorruptFile

from .text import to_text

#: bytes of text looked at in one go
CHUNK = 8 << 20
#: 1 in the table of integers: float16 numbers are whole multiples of 2**-24, so nothing is lost
ONE = 1 << 24


def read_safetensors(path: Path, name: str) -> NDArray[Any]:
    """One array of a .safetensors file (float16 or float32)."""
    raw = np.memmap(path, np.uint8, "r")
    try:
        size = int(raw[:8].view("<u8")[0])
        head = json.loads(raw[8 : 8 + size].tobytes())[name]
        begin, end = (8 + size + at for at in head["data_offsets"])
        return np.asarray(raw[begin:end].view({"F16": "<f2", "F32": "<f4"}[head["dtype"]]).reshape(head["shape"]))
    except (KeyError, ValueError, IndexError, TypeError):
        raise CorruptFile(f"{path}: no array {name!r} can be read there") from None


class StaticVectors:
    """A table of token vectors and its SentencePiece-like tokeniser (a `tokenizers.Tokenizer`)."""

    def __init__(self, table: NDArray[Any], tokenizer: Any) -> None:
        self.dimensions = table.shape[1]
        whole = np.rint(table.astype(np.float64) * ONE)
        most = float(np.abs(whole).max(initial=0.0))
        if not most * most * self.dimensions < 2.0**63 or most >= 2**31:
            whole = np.rint(whole * (2.0**30 / np.sqrt(self.dimensions) / most))
        self._table = whole.astype(np.int32)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.encode_special_tokens = True  # `</s>` in a text is text
        self._tokenizer = tokenizer
        self._slots = np.full(1 << 12, -1, np.int32)
        self._arena, self._begins, self._count = np.empty(0, np.uint8), np.zeros(1, np.int64), 0
        self._tokens, self._token_starts = np.empty(0, np.int32), np.zeros(1, np.int64)
        bare, spaced = self._encoded(["a", "a "])
        self._lone = spaced[len(bare) :]  # a space that no word follows

    def embed(self, texts: pl.Series, *, threads: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """(n, dimensions) float32 of length 1, or zeros where there is no text; and the tokens of each."""
        text = to_text(texts)
        n = len(text.offsets) - 1
        out, counts = np.empty((n, self.dimensions), np.float32), np.empty(n, np.int64)
        threads = threads or len(os.sched_getaffinity(0))
        first = 0
        with ThreadPoolExecutor(threads) as pool:
            while first < n:
                last = int(np.searchsorted(text.offsets, text.offsets[first] + CHUNK, "right")) - 1
                last = min(max(last, first + 1), n)
                self._chunk(text, first, last, out, counts, pool, threads)
                first = last
        return out, counts

    def _chunk(
        self,
        text: Text,
        first: int,
        last: int,
        out: NDArray[np.float32],
        counts: NDArray[np.int64],
        pool: ThreadPoolExecutor,
        threads: int,
    ) -> None:
        from .kernels.static_words import numbered, pooled

        begin, end = int(text.offsets[first]), int(text.offsets[last])
        data, offsets = text.data[begin:end], text.offsets[first : last + 1] - begin
        most = int(np.count_nonzero(data == 32)) + last - first
        self._make_room(most, len(data))
        words, starts = np.empty(most, np.int32), np.empty(last - first + 1, np.int64)
        known = self._count
        self._count = numbered(data, offsets, self._slots, self._arena, self._begins, known, words, starts)
        self._learn(known)
        arguments = (words, starts, self._token_starts, self._tokens, self._table, out[first:last], counts[first:last])
        edges = np.linspace(0, last - first, threads + 1).astype(np.int64)
        list(pool.map(lambda a, b: pooled(*arguments, a, b), edges[:-1], edges[1:]))

    def _make_room(self, words: int, size: int) -> None:
        """Room in the table of words for so many more."""
        from .kernels.static_words import rebuilt

        used = int(self._begins[self._count])
        if len(self._arena) < used + size:
            self._arena = np.concatenate([self._arena[:used], np.empty(max(size, used // 2), np.uint8)])
        if len(self._begins) < self._count + words + 1:
            kept = self._begins[: self._count + 1]
            self._begins = np.concatenate([kept, np.empty(max(words, self._count // 2), np.int64)])
        if len(self._slots) < 2 * (self._count + words):
            self._slots = np.full(1 << (2 * (self._count + words)).bit_length(), -1, np.int32)
            rebuilt(self._slots, self._arena, self._begins, self._count)

    def _learn(self, known: int) -> None:
        """Tokenise the words that are new."""
        if known == self._count:
            return
        raw = self._arena.tobytes() if self._count - known > 1000 else None
        begins = self._begins[known : self._count + 1].tolist()
        fresh = [
            (raw[a:b] if raw is not None else self._arena[a:b].tobytes()).decode("utf-8", "replace")
            for a, b in itertools.pairwise(begins)
        ]
        found = [ids if word else self._lone for word, ids in zip(fresh, self._encoded(fresh), strict=True)]
        sizes = np.array([len(ids) for ids in found], np.int64)
        flat = np.array([token for ids in found for token in ids], np.int32)
        np.clip(flat, 0, len(self._table) - 1, out=flat)
        self._tokens = np.concatenate([self._tokens, flat])
        self._token_starts = np.concatenate([self._token_starts, self._token_starts[-1] + np.cumsum(sizes)])

    def _encoded(self, words: list[str]) -> list[list[int]]:
        return [one.ids for one in self._tokenizer.encode_batch_fast(words, add_special_tokens=False)]
