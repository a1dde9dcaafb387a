"""Embedding models on this machine: static vectors out of a package, or a sentence-transformers folder with ONNX weights."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.errors import DataError, MissingExtra, UsageError

#: the model that comes as a package: `local/default`
DEFAULT = "default"
_WEIGHTS, _TOKENISER = "weights/l2_supercat_256.safetensors", "tokenizers/l2_supercat_tokenizer_config.json"
#: what a folder must or may have of sentence-transformers
_FILES = ("modules.json", "tokenizer.json", "sentence_bert_config.json", "1_Pooling/config.json")
#: texts to a batch
BATCH = 64


class Vectors(NamedTuple):
    """values: (n, dimensions) float32; tokens: of each text, as the model saw it; truncated: the model saw its beginning."""

    values: NDArray[np.float32]
    tokens: NDArray[np.int64]
    truncated: NDArray[np.bool_]


class Embedder(Protocol):
    """A model in this process."""

    def embed(self, texts: pl.Series) -> Vectors:
        """The vectors of texts."""


def embeds(name: str) -> bool:
    """Whether `local/NAME` is an embedding model: the packaged one, or a folder."""
    return name == DEFAULT or Path(name).expanduser().is_dir()


@functools.lru_cache
def embedder_version(name: str) -> str:
    """What a model's vectors depend on beside its name; empty where it is not there."""
    if name == DEFAULT:
        try:
            return version("wordllama")
        except PackageNotFoundError:
            return ""
    digest = hashlib.blake2b(digest_size=16)
    folder = Path(name).expanduser()
    try:
        for path in (*(folder / file for file in _FILES), _weights(folder)):
            digest.update(b"\0" if not path.is_file() else b"\1" + path.read_bytes())
    except (OSError, UsageError):
        return ""
    return digest.hexdigest()


@functools.lru_cache(maxsize=4)
def local_embedder(name: str) -> Embedder:
    """The model, loaded. UsageError with the command to type where it is not there."""
    if name == DEFAULT:
        return _Static()
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise UsageError(f"local/{name} does not embed; local/{DEFAULT} does, or local/FOLDER with ONNX weights")
    return _Folder(folder)


class _Static:
    """Mean of static token vectors: wordllama's, read without importing it."""

    def __init__(self) -> None:
        found = find_spec("wordllama")
        place = None if found is None or found.origin is None else Path(found.origin).parent
        if place is None or not (place / _WEIGHTS).is_file() or find_spec("tokenizers") is None:
            raise MissingExtra(f"the embedding model local/{DEFAULT}", "local")
        from tokenizers import Tokenizer

        from tamis.engine.static_vectors import StaticVectors, read_safetensors

        table = read_safetensors(place / _WEIGHTS, "embedding.weight")
        self._model = StaticVectors(table, Tokenizer.from_file(str(place / _TOKENISER)))

    def embed(self, texts: pl.Series) -> Vectors:
        values, tokens = self._model.embed(texts)
        return Vectors(values, tokens, np.zeros(len(texts), np.bool_))


class _Folder:
    """A transformer's ONNX weights, pooled and normalised as its modules.json says."""

    def __init__(self, folder: Path) -> None:
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError:
            raise MissingExtra(f"embedding with {folder}", "local") from None
        self._folder = folder
        self._pooling, self._normalise = self._modules()
        if not (folder / "tokenizer.json").is_file():
            raise UsageError(f"{folder} has no tokenizer.json", hint="save the model with a fast tokenizer")
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._pad = (self._tokenizer.padding or {}).get("pad_id", 0)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._most = int(self._config("sentence_bert_config.json").get("max_seq_length") or 512)
        self._special = self._tokenizer.num_special_tokens_to_add(False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        options.log_severity_level = 3
        path = _weights(folder)
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise DataError(f"{path} cannot be loaded: {error}") from None
        self._inputs = {one.name for one in self._session.get_inputs()}
        self._output = next(
            (one.name for one in self._session.get_outputs() if one.name in ("last_hidden_state", "token_embeddings")),
            self._session.get_outputs()[0].name,
        )

    def embed(self, texts: pl.Series) -> Vectors:
        """Batches of equal lengths nearly, the longest first."""
        encoded = self._tokenizer.encode_batch(texts.to_list(), add_special_tokens=True)
        lengths = np.array([len(one.ids) for one in encoded], np.int64)
        truncated = lengths > self._most
        for one in np.flatnonzero(truncated):
            again = self._shortened(texts[int(one)])
            encoded[one], lengths[one] = again, len(again.ids)
        order = np.argsort(-lengths, kind="stable")
        values: NDArray[np.float32] | None = None
        for at in range(0, len(order), BATCH):
            rows = order[at : at + BATCH]
            some = self._run([encoded[row].ids for row in rows], [encoded[row].type_ids for row in rows])
            if values is None:
                values = np.empty((len(texts), some.shape[1]), np.float32)
            values[rows] = some
        return Vectors(np.empty((0, 0), np.float32) if values is None else values, lengths, truncated)

    def _shortened(self, text: str) -> Any:
        self._tokenizer.enable_truncation(self._most)
        try:
            return self._tokenizer.encode(text, add_special_tokens=True)
        finally:
            self._tokenizer.no_truncation()

    def _run(self, ids: list[list[int]], types: list[list[int]]) -> NDArray[np.float32]:
        longest = max(1, max(map(len, ids)))
        tokens, kinds = (np.full((len(ids), longest), fill, np.int64) for fill in (self._pad, 0))
        mask = np.zeros((len(ids), longest), np.int64)
        for row, (some, kind) in enumerate(zip(ids, types, strict=True)):
            tokens[row, : len(some)], kinds[row, : len(kind)], mask[row, : len(some)] = some, kind, 1
        given = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": kinds}
        fed = {name: value for name, value in given.items() if name in self._inputs}
        states = self._session.run([self._output], fed)[0].astype(np.float32)
        pooled = self._pooled(states, mask)
        if self._normalise:
            pooled = pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)
        return np.asarray(pooled, np.float32)

    def _pooled(self, states: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        if states.ndim == 2:  # pooled in the graph
            return states
        if self._pooling == "cls":
            return states[:, 0]
        weights = mask[:, :, None].astype(np.float32)
        if self._pooling == "max":
            return np.asarray(np.where(weights > 0, states, -np.inf).max(1), np.float32)
        return np.asarray((states * weights).sum(1) / np.maximum(weights.sum(1), 1e-9), np.float32)

    def _modules(self) -> tuple[str, bool]:
        """How it pools, and whether it normalises. UsageError for what is not known: a wrong vector looks like any."""
        listed = self._config("modules.json")
        if not listed:
            return "mean", True
        kinds = [str(one.get("type", "")).rpartition(".")[2] for one in listed]
        odd = [kind for kind in kinds if kind not in ("Transformer", "Pooling", "Normalize")]
        place = next((one.get("path", "1_Pooling") for one in listed if str(one.get("type")).endswith("Pooling")), None)
        pooling = self._config(f"{place}/config.json") if place else {}
        chosen = [name for name, value in pooling.items() if name.startswith("pooling_mode_") and value is True]
        known = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max"}
        if odd or len(chosen) > 1 or any(name not in known for name in chosen):
            told = ", ".join([*odd, *(chosen if not odd else ())])
            raise UsageError(
                f"{self._folder}: {told} is not known here; known: one of mean, cls, max pooling, Normalize"
            )
        return known[chosen[0]] if chosen else "mean", "Normalize" in kinds

    def _config(self, name: str) -> Any:
        path = self._folder / name
        try:
            return json.loads(path.read_text()) if path.is_file() else {}
        except ValueError:
            raise DataError(f"{path} is not JSON") from None


def _weights(folder: Path) -> Path:
    for name in ("onnx/model.onnx", "model.onnx"):
        if (folder / name).is_file():
            return folder / name
    raise UsageError(f"{folder} has neither onnx/model.onnx nor model.onnx", hint="export the model to ONNX first")
