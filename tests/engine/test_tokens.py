"""Token counts, offline."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tamis.core.errors import DataError, MissingExtra, UsageError
from tamis.engine import tokens
from tamis.engine.text import to_text
from tamis.engine.tokens import check_tokenizer, count_tokens


def count(texts: list[str | None], tokenizer: str = "o200k") -> list[int]:
    return [int(n) for n in count_tokens(to_text(pl.Series(texts, dtype=pl.String)), tokenizer)]


@pytest.fixture
def words_tokenizer(tmp_path: Path) -> str:
    """A tokenizer that knows five words, and would add a token of its own to each text."""
    vocabulary = {"[UNK]": 0, "[CLS]": 1, "the": 2, "cat": 3, "sat": 4}
    model = {
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0},
        "padding": None,
        "added_tokens": [
            {
                "id": 1,
                "content": "[CLS]",
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {"type": "BertProcessing", "sep": ["[CLS]", 1], "cls": ["[CLS]", 1]},
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
    }
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(model))
    return str(path)


def test_the_two_vocabularies() -> None:
    pytest.importorskip("bpe_openai")
    texts = ["hello world", "", None, "It costs 12345 €.", "日本語", "\x00\u202e", "<|endoftext|>"]
    assert count(texts) == [2, 0, 0, 6, 2, 2, 7]
    assert count(texts, "cl100k") == [2, 0, 0, 7, 4, 3, 7]


def test_long_and_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches neither lose nor mix rows; a text of more than a million characters is counted too."""
    pytest.importorskip("bpe_openai")
    texts: list[str | None] = ["word " * n for n in range(40)] + [None, "a " * 600_000]
    whole = count(texts)
    assert whole[:40] == [0] + [n + 1 for n in range(1, 40)]
    assert whole[-1] == 600_001
    monkeypatch.setattr(tokens, "BATCH_BYTES", 64)
    assert count(texts) == whole


def test_a_tokenizer_file(words_tokenizer: str) -> None:
    pytest.importorskip("tokenizers")
    assert count(["the cat sat", "the dog", None, "the [CLS] cat"], words_tokenizer) == [3, 2, 0, 5]


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown tokenizer 'o20k'; did you mean 'o200k'"):
        check_tokenizer("o20k")
    with pytest.raises(DataError, match="no tokenizer file"):
        check_tokenizer(str(tmp_path / "tokenizer.json"))
    pytest.importorskip("tokenizers")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(DataError, match="is no tokenizer"):
        check_tokenizer(str(tmp_path / "tokenizer.json"))


def test_a_missing_extra_is_the_command_to_type(monkeypatch: pytest.MonkeyPatch, words_tokenizer: str) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] in ("bpe_openai", "tokenizers"):
            raise ImportError(name)
        return real(name, *rest, **more)

    tokens._counter.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    for tokenizer in ("o200k", words_tokenizer):
        with pytest.raises(MissingExtra) as caught:
            check_tokenizer(tokenizer)
        assert 'pip install "tamis[tokens]"' in str(caught.value)
