"""dedup.bloom"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.core.errors import CorruptFile, DataError
from tamis.core.row import MESSAGES
from tamis.engine.bloom import Filter, made_for, row_grams
from tamis.engine.frame import Frame
from tamis.engine.hashing import Keys
from tamis.steps.dedup.bloom import Bloom
from tamis.testing import MemoryTable, rows_frame, run_step

WORD = 1 << 64


def said(*answers: str | None, **more: list[Any]) -> list[dict[str, Any]]:
    return [
        {"prompt": "ask", "response": answer, **{k: v[i] for k, v in more.items()}} for i, answer in enumerate(answers)
    ]


LONG = "Restart the router, wait two minutes, and then try to open the page once more."
EDIT = "Restart the router, wait two minutes, and then try to load the page once more."

CASES: list[tuple[dict[str, Any], Any, Any]] = [
    ({}, said("Yes.", "yes"), "seen"),
    ({"on": "response"}, said("Yes.", "No.", "YES!"), ["kept", "kept", "seen"]),
    ({"on": "response", "normalise": "none"}, said("Yes.", "yes.", "Yes."), ["kept", "kept", "seen"]),
    ({"on": "response", "normalise": ["digits"]}, said("order 1", "order 22", "Order 1"), ["kept", "seen", "kept"]),
    ({"on": "response"}, said("", "!", " ", None), ["kept"] * 4),
    ({"on": ["prompt", "column:lang"]}, said("a", "b", "c", lang=["en", "de", "en"]), ["kept", "kept", "seen"]),
    ({"on": "response"}, said(LONG, EDIT), ["kept", "kept"]),
    ({"on": "response", "threshold": 0.5}, said(LONG, EDIT, "Hi", "hi!", "", ""), ["kept", "seen"] * 2 + ["kept"] * 2),
    ({"on": "response", "threshold": 0.6}, said(LONG, EDIT), ["kept", "kept"]),
    ({"on": "response", "threshold": 0.8, "unit": "characters"}, said(LONG, EDIT, "No"), ["kept", "seen", "kept"]),
    ({"on": ["prompt", "response"], "threshold": 0.5, "ngram": 1}, said("a b c", "d e f", "a b d"), ["kept", "kept", "seen"]),
    ({"on": "response", "memory_mb": 0.001}, said("a", "A", "b"), ["kept", "seen", "kept"]),
    ({"on": "response", "expected": 5000, "false_positive_rate": 0.001}, said("a", "A", "b"), ["kept", "seen", "kept"]),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "rows", "expected"), CASES)
def test_cases(settings: dict[str, Any], rows: Any, expected: Any) -> None:
    outcomes = run_step(Bloom.model_validate(settings), rows).outcomes
    assert outcomes == (expected if isinstance(expected, list) else ["kept", expected])


# -- the kernels against what they mean ------------------------------------------------------------------


def places(high: int, low: int, bits: int, hashes: int) -> list[int]:
    """The bits of a key: enhanced double hashing of its halves, scaled to the filter."""
    found, place, step = [], low, high | 1
    for i in range(hashes):
        found.append(place * bits >> 64)
        place = (place + step) % WORD
        step = (step + i) % WORD
    return found


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, WORD - 1), st.booleans()), max_size=60),
    st.integers(1, 6),
    st.integers(1, 9),
)
def test_the_filter_is_a_set_of_bits(rows: list[tuple[int, int, bool]], words: int, hashes: int) -> None:
    one = Filter(np.zeros(words, np.uint64), hashes)
    high, low = (np.array([row[k] for row in rows], np.uint64) for k in range(2))
    told = one.judge_keys(Keys(high, low, np.array([row[2] for row in rows], np.bool_)))
    bits: set[int] = set()
    for (a, b, there), seen in zip(rows, told.seen, strict=True):
        mine = set(places(a, b, 64 * words, hashes))
        assert seen == (there and mine <= bits)
        bits |= mine if there else set()
    assert {k for k in range(64 * words) if int(one.words[k // 64]) >> (k % 64) & 1} == bits
    assert one.state == len(bits) == round(one.fill * one.bits)


def slow_grams(text: str, size: int, by_words: bool) -> list[tuple[str, ...]]:
    """The n-grams of a normalised string, spelt out."""
    found: list[tuple[str, ...]] = []
    for message in text.split("\x1e"):
        message = message.lstrip(" ")
        units = (
            [w for w in message.split(" ") if w] if by_words else list(message[:-1] if message[-1:] == " " else message)
        )
        if 0 < len(units) < size:
            found.append(("short", message[:-1] if message[-1:] == " " else message))
        found += [tuple(units[k : k + size]) for k in range(len(units) - size + 1)]
    return found


@given(
    st.lists(st.text(st.sampled_from("ab é日\x1e👍 "), max_size=40), max_size=8),
    st.integers(1, 6),
    st.booleans(),
)
def test_n_grams_are_those_spelt_out(texts: list[str], size: int, by_words: bool) -> None:
    hashed, starts = row_grams(pl.Series(texts, dtype=pl.String), ("whitespace",), size, by_words)
    _, counted = row_grams(pl.Series(texts, dtype=pl.String), ("whitespace",), size, by_words, count_only=True)
    from tamis.engine.hashing import normalised
    from tamis.engine.text import to_series, to_text

    plain = to_series("", normalised(to_text(pl.Series(texts, dtype=pl.String)), ("whitespace",))).to_list()
    slow = [slow_grams(text, size, by_words) for text in plain]
    assert np.diff(starts).tolist() == [len(row) for row in slow] == np.diff(counted).tolist()
    flat = [gram for row in slow for gram in row]
    assert len(set(hashed.tolist())) == len(set(flat))
    assert len(set(zip(hashed.tolist(), flat, strict=True))) == len(set(flat))


@given(st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=20), st.integers(1, 1_000_000))
def test_rows_are_judged_by_the_share_of_their_n_grams(rows: list[list[int]], millionths: int) -> None:
    """In a filter so large that nothing is found by error, it is a set."""
    one = Filter(np.zeros(4096, np.uint64), 20, blocked=True)
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    hashed = np.array([value * 0x9E3779B97F4A7C15 % WORD for row in rows for value in row], np.uint64)
    told = one.judge_grams(hashed, starts, millionths)
    known: set[int] = set()
    for k, row in enumerate(rows):
        own = set(row)
        assert (told.distinct[k], told.known[k]) == (len(own), len(own & known))
        assert told.seen[k] == (len(own) > 0 and len(own & known) * 1_000_000 >= millionths * len(own))
        known |= set() if told.seen[k] else own


@given(st.lists(st.integers(0, 40), max_size=40), st.integers(0, 40))
def test_slices_change_nothing(values: list[int], cut: int) -> None:
    texts = pl.Series([f"the number {v} is said {v % 7} times over" for v in values], dtype=pl.String)
    whole, parts = (made_for(100, 0.01, None, blocked=True) for _ in range(2))
    hashed, starts = row_grams(texts, (), 3, True)
    told = whole.judge_grams(hashed, starts, 700_000)
    seen = [parts.judge_grams(*row_grams(some, (), 3, True), 700_000).seen for some in (texts[:cut], texts[cut:])]
    assert np.concatenate(seen).tolist() == told.seen.tolist()
    assert parts.words.tolist() == whole.words.tolist()


# -- rates ------------------------------------------------------------------------------------------------


def random_keys(seed: int, n: int) -> Keys:
    rng = np.random.default_rng(seed)
    high, low = rng.integers(0, WORD, (2, n), np.uint64)
    return Keys(high, low, np.ones(n, np.bool_))


@pytest.mark.parametrize("rate", [0.1, 0.01, 0.001])
def test_a_filter_made_for_a_rate_has_it_when_full_and_says_so(rate: float) -> None:
    one = made_for(20_000, rate, None)
    one.judge_keys(random_keys(1, 20_000))
    assert one.rate == pytest.approx(rate, rel=0.1)
    fresh = Filter(one.words.copy(), one.hashes, state=one.state)
    found = 0
    for seed in range(2, 102):  # asked, not filled: each batch is put back
        fresh.words[:], fresh.state = one.words, one.state
        found += int(fresh.judge_keys(random_keys(seed, 400)).seen.sum())
    assert found / 40_000 == pytest.approx(rate, rel=0.5)


@pytest.mark.parametrize("rate", [0.1, 0.01, 0.001])
def test_a_filter_of_blocks_has_its_rate_too(rate: float) -> None:
    one = made_for(20_000, rate, None, blocked=True)
    one.judge_grams(random_keys(1, 20_000).low, np.arange(20_001, dtype=np.int64), 1_000_000)
    assert one.rate == pytest.approx(rate, rel=0.15)
    blocks = np.bitwise_count(one.words.reshape(-1, 8)).sum(axis=1) / 512
    assert one.rate == pytest.approx(float((blocks**one.hashes).mean()), rel=1e-4)
    found = one.judge_grams(random_keys(2, 40_000).low, np.array([0, 40_000]), 2_000_000).known[0]
    assert found / 40_000 == pytest.approx(rate, rel=0.5)


def gram_places(h: int, blocks: int, hashes: int) -> set[int]:
    """The bits of an n-gram: nine bits of its mixed hash at a time, in the block that its hash names."""
    block, places, found = h * blocks >> 64, mixed((h + MIX2) % WORD), set()
    for i in range(hashes):
        if i and i % 7 == 0:
            places = mixed((places + h) % WORD)
        found.add(512 * block + places % 512)
        places >>= 9
    return found


MIX1, MIX2 = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93


def mixed(h: int) -> int:
    h = (h ^ h >> 32) * MIX2 % WORD
    h = (h ^ h >> 29) * MIX1 % WORD
    return h ^ h >> 32


@given(st.lists(st.integers(0, WORD - 1), max_size=40), st.integers(1, 3), st.integers(1, 16))
def test_blocks_are_a_set_of_bits(values: list[int], blocks: int, hashes: int) -> None:
    one = Filter(np.zeros(8 * blocks, np.uint64), hashes, blocked=True)
    told = one.judge_grams(np.array(values, np.uint64), np.arange(len(values) + 1), 1_000_000)
    bits: set[int] = set()
    for value, seen in zip(values, told.seen, strict=True):
        mine = gram_places(value, blocks, hashes)
        assert seen == (mine <= bits)
        bits |= mine
    assert {k for k in range(512 * blocks) if int(one.words[k // 64]) >> (k % 64) & 1} == bits


def test_expected_errors_are_those_that_happen() -> None:
    """40,000 different rows in a filter too small for them: each drop is an error."""
    one = made_for(40_000, None, 30_000)
    dropped = int(one.judge_keys(random_keys(5, 40_000)).seen.sum())
    assert dropped > 500
    assert one.wrong == pytest.approx(dropped, rel=0.1)


def test_expected_errors_of_n_grams_are_no_fewer_than_those_that_happen() -> None:
    rng = np.random.default_rng(3)
    hashed = rng.integers(0, WORD, 40_000, np.uint64)
    starts = np.arange(0, 40_001, 4, np.int64)
    one = made_for(40_000, None, 16_000, blocked=True)
    dropped = int(one.judge_grams(hashed, starts, 750_000).seen.sum())
    assert dropped > 20
    assert dropped * 0.8 < one.wrong < dropped * 8


def test_errors_are_told() -> None:
    answers = [f"answer {k}" for k in range(3000)]
    step = Bloom(on="response", memory_mb=0.0015)
    frame = Frame.of(rows_frame(said(*answers, "")))
    verdict = step.decide(MemoryTable(frame, step.gather(frame)))
    dropped = int(verdict.clauses[0].when.sum())
    told = re.match(
        r"([\d.e+]+) of 3,000 rows expected to be dropped by error; the filter has 0.0015 MB", verdict.warnings[0]
    )
    assert told
    assert float(told[1]) == pytest.approx(dropped, rel=0.25)
    assert run_step(Bloom(on="response"), said(*answers)).kinds == ["kept"] * 3000


# -- earlier deliveries and kept filters -----------------------------------------------------------------


def deliver(folder: Path, rows: list[dict[str, Any]]) -> list[Path]:
    """The same rows as JSON Lines, with what openai_chat leaves out, and as Parquet."""
    lines, table = folder / "train.jsonl", folder / "train.parquet"
    frame = rows_frame(rows)
    frame.write_parquet(table)
    chats = [
        {"messages": [{"role": m["role"], "content": m["content"]} for m in row]} for row in frame["messages"].to_list()
    ]
    lines.write_text("".join(json.dumps(chat) + "\n" for chat in chats))
    return [lines, table]


@pytest.mark.parametrize("threshold", [None, 0.6])
def test_rows_of_an_earlier_delivery_count_as_seen(tmp_path: Path, threshold: float | None) -> None:
    rows = said(
        "We answer within two days, and on weekends within three.", "Something else is said here, at length.", "No"
    )
    for path in deliver(tmp_path, said("we answer within two days and on WEEKENDS within three", "Yes", "yes")):
        result = run_step(Bloom(on="response", threshold=threshold, against=(path,)), rows)
        assert result.outcomes == ["seen", "kept", "kept"]
        assert run_step(Bloom(on="response", threshold=threshold), rows).kinds == ["kept"] * 3


@pytest.mark.parametrize("threshold", [None, 0.6])
def test_a_kept_filter_answers_like_the_rows_it_has_seen(tmp_path: Path, threshold: float | None) -> None:
    files = deliver(tmp_path, said("We answer within two days, and on weekends within three.", "Yes"))
    to = tmp_path / "seen.bloom"
    assert Bloom(on="response", threshold=threshold).keep(files[:1], str(to), room=50).fill < 0.05
    before = to.read_bytes()
    rows = said("we answer within two days and on weekends within three", "Maybe not", "maybe not")
    result = run_step(Bloom(on="response", threshold=threshold, filter=to), rows)
    assert result.outcomes == ["seen", "kept", "seen"]
    assert to.read_bytes() == before
    assert str(to) in Bloom(on="response", filter=to).files()


def test_a_filter_of_other_keys_or_other_bytes_is_refused(tmp_path: Path) -> None:
    to = tmp_path / "seen.bloom"
    Bloom(on="response", expected=1000).keep(deliver(tmp_path, said("Yes")), to)
    with pytest.raises(DataError, match=r"on is \['response'\], not \['prompt'\]"):
        run_step(Bloom(on="prompt", filter=to), said("Yes"))
    whole = to.read_bytes()
    for place in (len(whole) - 3, 60):
        to.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(CorruptFile):
            run_step(Bloom(on="response", filter=to), said("Yes"))
    to.write_bytes(whole[:-8])
    with pytest.raises(CorruptFile):
        run_step(Bloom(on="response", filter=to), said("Yes"))
    to.write_text("something else")
    with pytest.raises(DataError, match="no filter that Tamis wrote"):
        run_step(Bloom(on="response", filter=to), said("Yes"))


def test_a_delivery_without_the_text_compared_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "alpaca.jsonl"
    path.write_text('{"instruction": "a", "output": "b"}\n')
    with pytest.raises(DataError, match="no column 'messages'"):
        run_step(Bloom(on="response", against=(path,)), said("Yes"))
    assert run_step(Bloom(on="column:output", against=(path,)), said("x", output=["B."])).outcomes == ["seen"]


def test_delivered_lines_are_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.engine.delivered.BYTES", 50)
    monkeypatch.setattr("tamis.engine.delivered.ROWS", 2)
    rows = said(*(f"answer {k}" for k in range(7)))
    for path in deliver(tmp_path, rows):
        assert run_step(Bloom(on="response", against=(path,)), rows).outcomes == ["seen"] * 7


def test_delivered_conversations_are_typed(tmp_path: Path) -> None:
    from tamis.engine.delivered import delivered

    path = tmp_path / "a.jsonl"
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]}
    path.write_text(
        json.dumps({"messages": [{"role": "user", "content": "a\u2028b"}, call]}) + '\n{"messages": null}\n'
    )
    frames = list(delivered(path))
    assert [frame["messages"].dtype for frame in frames] == [MESSAGES]
    assert frames[0].text("prompt").to_list() == ["a\u2028b", None]


# -- settings ---------------------------------------------------------------------------------------------


def test_n_grams_of_a_dropped_row_are_not_added() -> None:
    """A chain of small edits is judged against the row that stays, not against its links."""
    words = [f"w{k}" for k in range(40)]
    chain = [" ".join([*(f"x{j}" for j in range(k)), *words[k:]]) for k in range(0, 40, 4)]
    outcomes = run_step(Bloom(on="response", threshold=0.6, ngram=1), said(*chain)).outcomes
    assert outcomes == (["kept"] + ["seen"] * 4) * 2


def test_the_share_seen_is_told_of_every_row() -> None:
    result = run_step(Bloom(on="response", threshold=0.9, ngram=1), said("a b c d", "a b c e", "a b c d e", "", None))
    assert [row["share"] for row in result.evidence] == [0.0, 0.75, 1.0, None, None]
    assert result.not_applicable == [False] * 4 + [True]


def test_messages_are_not_read_across() -> None:
    rows = [
        {"messages": [{"role": "user", "content": a}, {"role": "user", "content": b}]}
        for a, b in (("a b", "c d"), ("x b", "c y"))
    ]
    result = run_step(
        Bloom(on="prompt", threshold=0.5, ngram=2), [rows[0], {"messages": [{"role": "user", "content": "b c"}]}]
    )
    assert result.outcomes == ["kept", "kept"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"on": []}, "`on` is empty"),
        ({"memory_mb": 1, "false_positive_rate": 0.1}, "exclude each other"),
        ({"filter": "a.bloom", "expected": 3}, "has its size already"),
        ({"ngram": 3}, "no effect without `threshold`"),
        ({"threshold": 0}, "greater than 0"),
        ({"false_positive_rate": 1}, "less than 1"),
        ({"on": "answer"}, "unknown view 'answer'"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Bloom.model_validate(settings)


RECIPE = """
tamis: 1
name: b
sources:
  - use: files
    path: in.jsonl
steps:
  - use: map.auto
  - use: dedup.bloom
    against: [earlier/train.jsonl]
  - use: dedup.bloom
    id: fuzzy
    on: response
    threshold: 0.5
    ngram: 2
deliver:
  - use: openai_chat
    path: out
"""


def test_slices_and_workers_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tamis

    rng = np.random.default_rng(1)
    rows = said(*(" ".join(f"w{k}" for k in rng.integers(0, 25, 8)) for _ in range(200)))
    delivered = []
    for name, size in (("whole", 1 << 20), ("cut", 700)):
        monkeypatch.setattr("tamis.sources._text.SLICE", size)
        folder = tmp_path / name
        (folder / "earlier").mkdir(parents=True)
        deliver(folder / "earlier", rows[:3])
        (folder / "in.jsonl").write_bytes(deliver(folder, [*rows, *rows[:50]])[0].read_bytes())
        (folder / "recipe.yaml").write_text(RECIPE)
        result = tamis.run(folder / "recipe.yaml", workers=1 if name == "whole" else 2)
        delivered.append([path.read_bytes() for path in sorted((folder / "out").glob("*.jsonl"))])
        assert result.outcomes["dropped"] == 53 + int(result.steps["dropped"][2])
        assert any("rows at most expected to be dropped by error" in warning for warning in result.warnings)
    assert delivered[0] == delivered[1]
    deliver(folder / "earlier", rows[:5])
    again = tamis.run(folder / "recipe.yaml", workers=2)
    assert int(again.steps["dropped"][1]) == 55
    assert 0 < int(result.steps["dropped"][2]) < 197
