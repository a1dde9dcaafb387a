"""Texts to vectors: what is sent, what is kept, what is told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.calls import CallFailed
from tamis.core.errors import UsageError
from tamis.llm.connect import players
from tamis.llm.embed import Embedded, Keys
from tamis.llm.local_embed import local_embedder
from tamis.llm.models import open_models
from tamis.llm.spec import Connection, Model, Price
from tests.endpoint import Endpoint, Raw, Seen, Status, vector


def embed(
    folder: Path, connection: Connection | None, texts: list[str | None], name: str = "here/m", out: Path | None = None
) -> Embedded:
    """By a process of its own."""
    connections = {} if connection is None else {"here": connection}
    cast = {"embedder": Model(model=name, price=Price(input=1))}

    async def work() -> Embedded:
        async with open_models(cast, connections, None, folder) as models:
            return await models.embed_series("embedder", pl.Series(texts, dtype=pl.String), out)

    return asyncio.run(work())


# -- endpoints ----------------------------------------------------------------------------------


def test_openai_each_text_is_bought_once_for_ever(tmp_path: Path, endpoint: Endpoint) -> None:
    endpoint.disorder = True
    connection = Connection(url=endpoint.url)
    texts = [f"text {n} " + "long " * (n % 7) for n in range(150)]
    found = embed(tmp_path, connection, [*texts, None, texts[3]])
    assert found.vectors[:150] == pytest.approx(np.array([vector(text) for text in texts]), abs=1e-6)
    assert not found.vectors[150].any()
    assert (found.vectors[151] == found.vectors[3]).all()
    assert found.stats[:5] == (152, 150, 0, 0, 8)
    assert (found.stats.tokens, found.stats.normalised) == (150, False)
    assert found.stats.usd == pytest.approx(150e-6)
    calls = endpoint.posts()
    assert [len(one.body["input"]) for one in calls] == [64, 64, 22]
    lengths = [
        len(text) for one in sorted(calls, key=lambda one: len(one.body["input"][0])) for text in one.body["input"]
    ]
    assert lengths == sorted(lengths)
    again = embed(tmp_path, connection, [*texts, "new"], out=tmp_path / "out")
    assert [one.body["input"] for one in endpoint.posts()[3:]] == [["new"]]
    assert (again.stats.known, again.stats.tokens) == (150, 1)
    assert isinstance(again.vectors, np.memmap)
    assert (again.vectors[:150] == found.vectors[:150]).all()


def test_openai_the_request_is_what_the_client_sends(tmp_path: Path, endpoint: Endpoint) -> None:
    """The official client's own request as oracle."""
    import openai

    client = openai.OpenAI(base_url=endpoint.url, api_key="k", max_retries=0)
    client.embeddings.create(model="m", input=["a", "bb"], encoding_format="float")
    embed(tmp_path, Connection(url=endpoint.url), ["a", "bb"])
    theirs, ours = endpoint.posts()
    assert (ours.path, ours.body) == (theirs.path, theirs.body)


def test_a_text_that_is_too_long_is_cut_and_told(tmp_path: Path, endpoint: Endpoint) -> None:
    def script(seen: Seen) -> Any:
        return Status(400) if any(len(text) > 5000 for text in seen.body["input"]) else None

    endpoint.script = script
    found = embed(tmp_path, Connection(url=endpoint.url), ["short", "x" * 8000, "also short"])
    assert (found.stats.truncated, found.stats.texts) == (1, 3)
    assert found.vectors[1] == pytest.approx(np.array(vector("x" * 4500)), abs=1e-6)
    assert embed(tmp_path, Connection(url=endpoint.url), ["x" * 8000]).stats.truncated == 1


def test_a_text_refused_for_another_reason_fails(tmp_path: Path, endpoint: Endpoint) -> None:
    endpoint.script = lambda seen: Status(400)
    with pytest.raises(CallFailed, match="told 400"):
        embed(tmp_path, Connection(url=endpoint.url), ["short", "other"])


def keys_of(folder: Path, connection: Connection, texts: list[str | None]) -> Keys:
    async def work() -> Keys:
        async with open_models({"embedder": Model(model="here/m")}, {"here": connection}, None, folder) as models:
            return await models.embed_keys("embedder", pl.Series(texts, dtype=pl.String))

    return asyncio.run(work())


def test_one_refused_text_among_many_is_found_and_the_others_have_vectors(tmp_path: Path, endpoint: Endpoint) -> None:
    endpoint.script = lambda seen: Status(400) if "poison" in seen.body["input"] else None
    texts = [f"text {n}" for n in range(100)]
    texts[37] = texts[80] = "poison"
    found = keys_of(tmp_path, Connection(url=endpoint.url), [*texts, None])
    at = [n for n, reason in enumerate(found.reasons) if reason is not None]
    assert at == [37, 80]
    assert set(found.reasons.drop_nulls()) == {"refused"}
    assert "told 400" in found.errors[37]
    assert [n for n, key in enumerate(found.keys) if key is None] == [37, 80, 100]
    assert (found.bought, found.keys.n_unique()) == (98, 99)
    bought = len(endpoint.bought())
    again = keys_of(tmp_path, Connection(url=endpoint.url), [*texts, None])
    assert again.keys.to_list() == found.keys.to_list()
    assert len(endpoint.bought()) == bought
    with pytest.raises(CallFailed, match="told 400"):  # whoever needs the vector itself is told
        embed(tmp_path, Connection(url=endpoint.url), texts)


def test_where_nothing_is_taken_the_request_is_wrong_and_halving_ends(tmp_path: Path, endpoint: Endpoint) -> None:
    endpoint.script = lambda seen: Status(400)
    with pytest.raises(CallFailed, match="told 400"):
        keys_of(tmp_path, Connection(url=endpoint.url), [f"text {n}" for n in range(5000)])
    assert len(endpoint.posts()) < 1500


class Cohere:
    """v2/embed as its reference describes it. most: characters of a text."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.most = 2000

    def __call__(self, seen: Seen) -> Any:
        body = seen.body
        assert seen.path == "/v2/embed"
        assert seen.headers["Authorization"] == "Bearer co-1"
        assert set(body) <= {
            "model",
            "texts",
            "input_type",
            "embedding_types",
            "truncate",
            "output_dimension",
            "max_tokens",
        }
        assert body["input_type"] in ("search_document", "search_query", "classification", "clustering", "image")
        assert set(body["embedding_types"]) <= {"float", "int8", "uint8", "binary", "ubinary", "base64"}
        assert 1 <= len(body["texts"]) <= 96
        self.asked.append(body)
        if body["truncate"] == "NONE" and any(len(text) > self.most for text in body["texts"]):
            return Status(400, {"id": "1", "message": "too long: use truncate"})
        units = {"billed_units": {"input_tokens": 2 * len(body["texts"])}, "api_version": {"version": "2"}}
        vectors = {"float": [vector(text[: self.most], 4) for text in body["texts"]]}
        reply = {
            "id": "1",
            "embeddings": vectors,
            "texts": body["texts"],
            "meta": units,
            "response_type": "embeddings_by_type",
        }
        return Raw(json.dumps(reply).encode(), good=True)


def test_cohere(tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CO_KEY", "co-1")
    server = Cohere()
    endpoint.other = server
    url = endpoint.url.replace("/v1", "/v2")
    connection = Connection(url=url, shape="cohere", key_env="CO_KEY")
    found = embed(tmp_path, connection, ["a", "b" * 3000, "c", "a"], "here/embed-multilingual-light-v3.0")
    assert found.vectors == pytest.approx(np.array([vector(t, 4) for t in ["a", "b" * 2000, "c", "a"]]), abs=1e-6)
    assert (found.stats.truncated, found.stats.tokens, found.stats.distinct) == (1, 6, 3)
    assert {one["input_type"] for one in server.asked} == {"clustering"}
    assert [one["texts"] for one in server.asked if one["truncate"] == "END"] == [["b" * 3000]]


def test_cohere_needs_no_connection_in_the_recipe() -> None:
    cast = players({"e": Model(model="cohere/embed-v4.0"), "c": Model(model="cohere/command-a")}, {})
    assert (cast["e"].connection.shape, cast["c"].connection.shape) == ("cohere", "openai")
    assert cast["e"].connection.url == "https://api.cohere.com/v2"


# -- on this machine ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def static() -> Any:
    pytest.importorskip("wordllama")
    return local_embedder("default")


def slowly(static: Any, text: str) -> np.ndarray:
    """One text, tokenised whole, its mean taken with floats."""
    model = static._model
    ids = model._tokenizer.encode(text, add_special_tokens=False).ids
    mean = model._table[ids].astype(np.float64).mean(0) if ids else np.zeros(model.dimensions)
    return np.asarray(mean / (np.linalg.norm(mean) or 1.0))


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(st.sampled_from("ab  .é日🍌\n\t</s>"), max_size=20), max_size=5))
def test_static_vectors_are_the_mean_of_the_tokens(static: Any, texts: list[str]) -> None:
    found = static.embed(pl.Series(texts, dtype=pl.String)).values
    assert found == pytest.approx(np.array([slowly(static, t) for t in texts]).reshape(len(texts), 256), abs=1e-6)


def test_static_vectors_are_the_packages(static: Any) -> None:
    import wordllama

    model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    texts = ["My card was declined.", "How do I top up?", "Où est ma carte ?"]
    theirs = model.embed(texts, norm=True)
    assert static.embed(pl.Series(texts)).values == pytest.approx(theirs, abs=1e-6)


def test_static_vectors_are_the_same_bytes_on_any_number_of_threads(static: Any) -> None:
    texts = pl.Series([f"word{n % 97} and {n} others " * (n % 5) for n in range(3000)])
    found = {static._model.embed(texts, threads=threads)[0].tobytes() for threads in (1, 2, 7)}
    assert len(found) == 1


def test_local_default_through_a_recipe(tmp_path: Path) -> None:
    found = embed(tmp_path, None, ["a cat sat", "a dog sat", "compound interest", "a cat sat"], "local/default")
    similar = found.vectors @ found.vectors.T
    assert similar[0, 1] > similar[0, 2]
    assert similar[0, 3] == pytest.approx(1, abs=1e-2)
    assert found.stats._replace(tokens=None) == (4, 3, 0, 0, 256, True, None, 0.0)
    assert embed(tmp_path, None, ["a cat sat"], "local/default").stats.known == 1


def test_a_chat_model_does_not_embed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="local/smollm2 does not embed; local/default does"):
        embed(tmp_path, None, ["a"], "local/smollm2")


# -- ONNX, from a folder ------------------------------------------------------------------------

WORDS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "red", "blue", "green"]


def field(number: int, value: bytes | int | str) -> bytes:
    """A field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def onnx_lookup(table: np.ndarray) -> bytes:
    """A model that looks each token's vector up: last_hidden_state = Gather(table, input_ids)."""

    def shaped(name: str, kind: int, dims: list[str]) -> bytes:
        shape = b"".join(field(1, field(2, dim)) for dim in dims)
        return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))

    tensor = (
        b"".join(field(1, size) for size in table.shape) + field(2, 1) + field(8, "table") + field(9, table.tobytes())
    )
    node = field(1, "table") + field(1, "input_ids") + field(2, "last_hidden_state") + field(4, "Gather")
    graph = field(1, node) + field(2, "g") + field(5, tensor)
    graph += field(11, shaped("input_ids", 7, ["b", "s"])) + field(12, shaped("last_hidden_state", 1, ["b", "s", "d"]))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sentence-transformers folder whose model is a table of words."""
    pytest.importorskip("onnxruntime")
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing

    where = tmp_path / "model"
    (where / "onnx").mkdir(parents=True)
    (where / "1_Pooling").mkdir()
    table = np.arange(len(WORDS) * 3, dtype=np.float32).reshape(-1, 3) ** 1.5
    (where / "onnx/model.onnx").write_bytes(onnx_lookup(table))
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    tokenizer.save(str(where / "tokenizer.json"))
    kinds = ["Transformer", "Pooling", "Normalize"]
    modules = [
        {"idx": n, "path": ["", "1_Pooling", "2_Normalize"][n], "type": f"sentence_transformers.models.{kind}"}
        for n, kind in enumerate(kinds)
    ]
    (where / "modules.json").write_text(json.dumps(modules))
    (where / "1_Pooling/config.json").write_text(
        json.dumps({"word_embedding_dimension": 3, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False})
    )
    (where / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 5}))
    return where


def mean(table: np.ndarray, *ids: int) -> np.ndarray:
    found = table[list(ids)].mean(0)
    return np.asarray(found / np.linalg.norm(found))


def test_a_folder_pools_and_normalises_as_it_says(folder: Path, tmp_path: Path) -> None:
    table = np.arange(len(WORDS) * 3, dtype=np.float32).reshape(-1, 3) ** 1.5
    texts: list[str | None] = ["red", "blue green", "red red red red blue"]
    found = embed(tmp_path, None, texts, f"local/{folder}")
    wanted = [
        mean(table, 1, 4, 2),
        mean(table, 1, 5, 6, 2),
        mean(table, 1, 4, 4, 4, 2),
    ]  # the last one cut to five tokens
    assert found.vectors == pytest.approx(np.array(wanted), abs=2e-3)
    assert (found.stats.truncated, found.stats.normalised, found.stats.tokens) == (1, True, 12)
    (folder / "1_Pooling/config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    from tamis.llm import local_embed

    local_embed.embedder_version.cache_clear()
    local_embed.local_embedder.cache_clear()
    changed = embed(tmp_path, None, texts, f"local/{folder}")
    assert changed.stats.known == 0, "another pooling is another model"
    assert changed.vectors[0] == pytest.approx(mean(table, 1), abs=2e-3)


def test_a_folder_with_layers_not_known_here_is_refused(folder: Path, tmp_path: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules.insert(2, {"idx": 2, "path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UsageError, match="Dense is not known"):
        embed(tmp_path, None, ["red"], f"local/{folder}")
