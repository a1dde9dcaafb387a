"""dedup.substring"""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.core.events import StepDone
from tamis.engine import passages as finding
from tamis.engine.frame import Frame
from tamis.engine.passage_cut import Passages
from tamis.engine.passage_text import rules_for
from tamis.engine.passages import Reader, find_passages
from tamis.steps.dedup.substring import Substring
from tamis.testing import MemoryTable, rows_frame, run_step

CLOSE = "Please do not reply to this message, since nobody reads what is sent to this address."
FEW: dict[str, Any] = {"min_length": 10, "min_count": 3}


def said(*answers: str | None) -> list[dict[str, Any]]:
    return [{"prompt": "ask", "response": answer} for answer in answers]


CLOSED = said(*(f"{text} {CLOSE}" for text in ("We shipped it.", "Try again.", "Two days.")))

CASES: list[tuple[dict[str, Any], Any, Any]] = [
    (FEW, CLOSED, ["kept"] * 3),
    (FEW, [*CLOSED, *said(CLOSE, "", None)], ["kept"] * 3 + ["nothing_left", "kept", "kept"]),
    (FEW | {"action": "drop"}, CLOSED, ["kept", "repeated", "repeated"]),
    (FEW | {"action": "drop", "share": 0.87}, CLOSED, ["kept", "repeated", "repeated"]),
    (FEW | {"action": "drop", "share": 0.9}, CLOSED, ["kept"] * 3),
    (FEW | {"action": "drop", "keep": "none"}, CLOSED, ["repeated"] * 3),
    (FEW | {"action": "drop", "min_count": 4}, CLOSED, ["kept"] * 3),
    (FEW | {"in": "text"}, [{"text": CLOSE}] * 3, ["kept", "nothing_left", "nothing_left"]),
    (FEW | {"in": ["prompt", "response"], "keep": "none"}, CLOSED, ["kept"] * 3),
    (FEW | {"min_length": 60, "unit": "characters", "snap": "line", "ignore_case": False}, CLOSED, ["kept"] * 3),
]


@pytest.mark.parametrize(("given_", "rows", "expected"), CASES)
def test_cases(given_: dict[str, Any], rows: Any, expected: Any) -> None:
    assert run_step(Substring.model_validate(given_), rows).outcomes == expected


# -- every repeated passage is found, and nothing else ----------------------------------------------------


class Pieces(MemoryTable):
    """A gathered table whose rows come a few at a time."""

    size = 3

    @property
    def starts(self) -> Any:
        return np.array([*range(0, self.height, self.size), self.height], np.int64)

    def part(self, index: int, names: Sequence[str]) -> pl.DataFrame:
        return super().part(0, names)[index * self.size : (index + 1) * self.size]


def found_words(
    rows: list[list[str]], length: int, least: int, *, first_stays: bool, letters: bool = False
) -> set[tuple[int, int]]:
    """(row, word) of what is found."""
    frame = Frame.of(pl.DataFrame({"messages": rows_frame(chats(rows))["messages"]}))
    passages = Passages(("all",), length, letters, False, True)
    found = passages.find(Pieces(frame, passages.gather(frame)), least, first_stays=first_stays)
    return {(r, w + k) for r, w, n in zip(found.row, found.word, found.length, strict=True) for k in range(n)}


def chats(rows: list[list[str]]) -> list[dict[str, Any]]:
    return [{"messages": [{"role": "user", "content": text} for text in row]} for row in rows]


def stretches(row: list[str], letters: bool) -> list[list[str]]:
    """The words of a row, parted where messages and code begin and end."""
    texts = []
    for text in row:
        inside, part = "", []
        for line in text.split("\n"):
            fence = re.match(r" {0,3}(```|~~~)", line)
            if fence and (not inside or inside == fence[1]):
                inside = "" if inside else fence[1]
                texts.append("\n".join(part))
                part = []
            elif not inside:
                part.append(line)
        texts.append("\n".join(part))
    pattern = r"[a-zé]|日" if letters else r"[a-zé]+|日"
    return [re.findall(pattern, text.lower()) for text in texts]


def slow(
    rows: list[list[str]], length: int, least: int, *, first_stays: bool, letters: bool = False
) -> set[tuple[int, int]]:
    """Every window of every row, by what it says."""
    where: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
    for r, row in enumerate(rows):
        at = 0
        for words in stretches(row, letters):
            for k in range(len(words) - length + 1):
                where[tuple(words[k : k + length])].append((r, at + k))
            at += len(words)
    covered = set()
    for places in where.values():
        if len({r for r, _ in places}) >= least:
            covered |= {(r, w + k) for r, w in places for k in range(length) if not first_stays or r != places[0][0]}
    return covered


texts = st.lists(
    st.sampled_from(["a ", "b ", "ab ", "É ", "é ", "日", ". ", "\n", "\n```\n", "\n~~~ py\n", "A, "]), max_size=30
).map("".join)


@settings(max_examples=250)
@given(
    st.lists(st.lists(texts, min_size=1, max_size=2), min_size=1, max_size=8),
    st.integers(3, 7),
    st.integers(2, 4),
    st.booleans(),
    st.booleans(),
)
def test_all_and_only_what_is_repeated_is_found(
    rows: list[list[str]], length: int, least: int, first_stays: bool, letters: bool
) -> None:
    fast = found_words(rows, length, least, first_stays=first_stays, letters=letters)
    assert fast == slow(rows, length, least, first_stays=first_stays, letters=letters)


def spliced(seed: int, rows: int) -> list[list[str]]:
    """Rows with passages of a few others in them."""
    rng = np.random.default_rng(seed)
    pool = [" ".join(f"w{k}x" for k in rng.integers(0, 500, 40)).replace("0", "o") for _ in range(8)]
    made = []
    for _ in range(rows):
        own = " ".join("abcdefghij"[k] * int(rng.integers(1, 9)) for k in rng.integers(0, 10, 30))
        words = pool[rng.integers(8)].split()
        a, n = int(rng.integers(0, 25)), int(rng.integers(3, 40))
        made.append([own + " " + re.sub(r"\d", "z", " ".join(words[a : a + n])) + " " + own[::-1]])
    return made


@pytest.mark.parametrize("limit", [1 << 24, 1 << 16])
@pytest.mark.parametrize("least", [2, 5])
def test_turns_and_small_rooms_change_nothing(limit: int, least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = spliced(least, 60)
    monkeypatch.setattr(finding, "SLOTS", limit)
    monkeypatch.setattr(finding, "BATCH", 7)
    monkeypatch.setattr(finding, "KEPT_BYTES", 2000)
    monkeypatch.setattr(finding, "COMPARED_WORDS", 100)
    for first_stays in (True, False):
        fast = found_words(rows, 12, least, first_stays=first_stays)
        assert fast == slow(rows, 12, least, first_stays=first_stays)
        assert len(fast) > 100


def test_a_table_that_is_too_small_is_filled_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = spliced(3, 60)
    asked = []
    turn = finding._Finder.turn

    def watched(self: finding._Finder, number: int, turns: int) -> Any:
        asked.append(turns)
        return turn(self, number, turns)

    monkeypatch.setattr(finding._Finder, "turn", watched)
    monkeypatch.setattr(finding, "FIRST_SLOTS", 512)
    monkeypatch.setattr(finding, "SLOTS", 512)
    assert found_words(rows, 12, 2, first_stays=True) == slow(rows, 12, 2, first_stays=True)
    assert max(asked) > 1


@pytest.mark.parametrize("bits", [2, 4, 6, 8])
def test_nothing_is_said_where_hashes_lie(bits: int) -> None:
    """With a few bits of each window's hash, different passages meet: less is found, never more."""
    rows = spliced(7, 40)
    frame = rows_frame(chats(rows))
    passages = Passages(("all",), 12, False, False, True)
    table = MemoryTable(Frame.of(frame), passages.gather(Frame.of(frame)))
    rules = rules_for(12, letters=False, code=False, ignore_case=True)._replace(kept=np.uint64((1 << bits) - 1))
    found = find_passages(table, Reader(table, ("all",)), rules, 2, first_stays=False)
    fast = {(r, w + k) for r, w, n in zip(found.row, found.word, found.length, strict=True) for k in range(n)}
    truth = slow(rows, 12, 2, first_stays=False)
    assert fast < truth


# -- what is cut ------------------------------------------------------------------------------------------


def cut(rows: list[dict[str, Any]], **more: Any) -> list[list[str | None]]:
    result = run_step(Substring.model_validate(FEW | more), rows)
    return [[m["content"] for m in row["messages"]] for row in result.rows]


def answers(rows: list[dict[str, Any]], **more: Any) -> list[str | None]:
    return [row[-1] for row in cut(rows, **more)]


@pytest.mark.parametrize(
    ("before", "after", "snap", "left"),
    [
        ("It works, {}. ", "", "sentence", "It works, {}."),
        ("It works, {}.\n\n", "\n\n{}, best", "sentence", "It works, {}.\n\n{}, best"),
        ("It works, {}.  ", " {} said bye.", "sentence", "It works, {}.  {} said bye."),
        ('It "works {}". (', ") {}", "none", 'It "works {}". {}'),
        ("{}\n> ", "\n{}, bye", "line", "{}\n{}, bye"),
        ("{}\n- ", "", "line", "{}"),
        ("Sure {}: ", " {} did.", "sentence", None),
        ("{}. ", " {}.", "line", None),
        ("你好{}。", "\n{}再见。", "sentence", "你好{}。\n{}再见。"),
        ("he says {} ", " {} and more", "none", "he says {} {} and more"),
        ("At 5 p.m. {} ", " at 5 p.m. {}", "sentence", None),
        ("Call {} no. ", " {}", "sentence", None),
        ("Call {} now. ", " Dr. {}", "sentence", "Call {} now. Dr. {}"),
        ("{}. and ", " {}", "sentence", None),
        ("Hello {}, he said\n", "\nand {} went", "sentence", "Hello {}, he said\nand {} went"),
        ("well {}-", "-{}", "none", "well {}-.-{}"),
    ],
)
def test_cuts_fall_where_sentences_or_lines_do(before: str, after: str, snap: str, left: str | None) -> None:
    names = ("Ann", "Bob", "Cid")
    rows = [f"{before}{CLOSE}{after}".replace("{}", name) for name in names]
    wanted = rows if left is None else [left.replace("{}", name) for name in names]
    assert answers(said(*rows), snap=snap, keep="none") == wanted


def test_a_cut_shrinks_to_whole_sentences() -> None:
    rows = [
        f"{k} apples and then we go home to eat them all. {CLOSE} And so we part, said {k}"
        for k in ("one", "two", "six")
    ]
    assert answers(said(*rows), keep="none", min_length=8) == [
        f"{k} apples and then we go home to eat them all. And so we part, said {k}" for k in ("one", "two", "six")
    ]


def test_wrapped_lines_are_no_sentences() -> None:
    wrapped = "they told us that nobody reads what is sent to\nthis address, so please do not write to it any more"
    rows = [
        f"It was in {year}.\nIn {place} {wrapped}\nthan in {year} {place}."
        for year, place in (("1999", "Rome"), ("2001", "Bonn"), ("1984", "Oslo"))
    ]
    assert answers(said(*rows), keep="none") == rows
    assert answers(said(*rows), keep="none", snap="line") != rows


def cut_by_hand(text: str, spans: list[dict[str, Any]]) -> str:
    """The text without the spans; white space after one goes where there is some before it, or nothing after it."""
    left, place = "", 0
    for span in spans:
        left += text[place : span["start"]]
        place = max(place, span["end"])
        if not left or left[-1] in " \n":
            place += len(text[place:]) - len(text[place:].lstrip(" \n"))
    return left + text[place:] if place < len(text) else left.rstrip(" \n")


@given(
    st.lists(texts, min_size=2, max_size=6),
    st.integers(3, 6),
    st.sampled_from(["none", "line", "sentence"]),
    st.sampled_from(["none", "first"]),
)
def test_texts_are_cut_at_the_spans_told_and_lose_no_other_word(
    rows: list[str], length: int, snap: str, keep: str
) -> None:
    step = Substring.model_validate({"min_length": length, "min_count": 2, "snap": snap, "keep": keep, "in": "text"})
    result = run_step(step, [{"text": text} for text in rows])
    repeated = slow([[text] for text in rows], length, 2, first_stays=keep == "first")
    for r, (text, row, kind, evidence) in enumerate(zip(rows, result.rows, result.kinds, result.evidence, strict=True)):
        spans = evidence["spans"] or []
        assert row["text"] == (cut_by_hand(text, spans) if kind == "kept" else text)
        outside = "".join(" " if any(s["start"] <= k < s["end"] for s in spans) else c for k, c in enumerate(text))
        lost = len(flat_words(text)) - len(flat_words(outside))
        assert lost == round(evidence["share"] * len(flat_words(text))) if evidence["share"] is not None else lost == 0
        assert lost <= sum(1 for at, _ in repeated if at == r)
        assert kind == ("dropped" if spans and not flat_words(cut_by_hand(text, spans), code=True) else "kept")


def flat_words(text: str, *, code: bool = False) -> list[str]:
    """The words looked at; with `code`, all of them."""
    return re.findall(r"[a-zé]+|日", text.lower()) if code else [w for part in stretches([text], False) for w in part]


def test_prompts_and_system_prompts_stay_unless_named() -> None:
    rows = [{"system": CLOSE, "prompt": f"{CLOSE} {k}", "response": f"{CLOSE} {k}"} for k in ("Xa", "Yb", "Zc")]
    assert cut(rows, keep="none") == [[CLOSE, f"{CLOSE} {k}", k] for k in ("Xa", "Yb", "Zc")]
    assert cut(rows, keep="none", **{"in": "prompt"}) == [[CLOSE, k, f"{CLOSE} {k}"] for k in ("Xa", "Yb", "Zc")]


def test_code_stays_unless_asked() -> None:
    block = "```\n" + "\n".join(f"import module_{k}" for k in range(9)) + "\n```"
    rows = said(*(f"Case {k}:\n{block}\nDone {k}." for k in "xyz"))
    assert answers(rows, keep="none") == [row["response"] for row in rows]
    assert answers(rows, keep="none", code=True, snap="line") != [row["response"] for row in rows]


def test_spans_are_characters_of_the_message_and_name_the_first_row() -> None:
    rows = [
        {"messages": [{"role": "user", "content": "é👍"}, {"role": "assistant", "content": f"é👍 {k}. {CLOSE} Bye."}]}
        for k in ("xa", "yb", "zc")
    ]
    result = run_step(Substring.model_validate(FEW), rows)
    assert result.evidence[0]["spans"] is None
    spans = result.evidence[1]["spans"]
    assert [(s["view"], s["message"]) for s in spans] == [("response", 1)]
    assert rows[1]["messages"][1]["content"][spans[0]["start"] : spans[0]["end"]] == f"{CLOSE} Bye."
    assert result.evidence[2]["like"] == f"{0:032x}"
    assert result.evidence[2]["rows"] == 3
    assert result.changed == [False, True, True]


def test_other_fields_of_messages_stay() -> None:
    rows = [
        {
            "messages": [
                {"role": "tool", "content": None, "tool_call_id": "7"},
                {"role": "assistant", "content": f"{k}. {CLOSE}", "weight": 1},
            ]
        }
        for k in ("One", "Two", "Six")
    ]
    result = run_step(Substring.model_validate(FEW | {"keep": "none"}), rows)
    assert [m["tool_call_id"] for m in result.rows[1]["messages"]] == ["7", None]
    assert [(m["content"], m["weight"]) for m in result.rows[1]["messages"]] == [(None, None), ("Two.", 1)]


def test_a_repetition_inside_one_row_is_none() -> None:
    assert answers(said(f"{CLOSE} {CLOSE} {CLOSE}", "no"), min_count=2) == [f"{CLOSE} {CLOSE} {CLOSE}", "no"]


def test_case_and_white_space_do_not_hide_a_passage() -> None:
    rows = said(f"A b. {CLOSE.upper()}", f"C d. {CLOSE.replace(' ', chr(10))}", f"E f. {CLOSE.replace(',', ' --')}")
    assert answers(rows, keep="none", snap="none") == ["A b.", "C d.", "E f."]
    assert answers(rows, keep="none", snap="none", ignore_case=False)[0] == rows[0]["response"]


# -- in a run ---------------------------------------------------------------------------------------------

RECIPE = """
tamis: 1
name: p
sources:
  - use: files
    path: in.jsonl
steps:
  - use: map.auto
  - use: dedup.substring
    min_length: 10
    min_count: 3
  - use: filter.length
    min: 3
deliver:
  - use: openai_chat
    path: out
"""


def test_slices_and_workers_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tamis

    plain = [f"Answer number {k}. It is about {k * 7} things, none of them alike {k}." for k in range(80)]
    lines = [f"{text} {CLOSE}" if k % 3 == 0 else CLOSE if k % 10 == 1 else text for k, text in enumerate(plain)]
    delivered = []
    for name, size in (("whole", 1 << 20), ("cut", 900)):
        monkeypatch.setattr("tamis.sources._text.SLICE", size)
        folder = tmp_path / name
        folder.mkdir()
        turns = [
            [{"role": "user", "content": f"q{k}"}, {"role": "assistant", "content": text}]
            for k, text in enumerate(lines)
        ]
        (folder / "in.jsonl").write_text("".join(json.dumps({"messages": one}) + "\n" for one in turns))
        (folder / "recipe.yaml").write_text(RECIPE)
        events: list[Any] = []
        result = tamis.run(folder / "recipe.yaml", workers=1 if name == "whole" else 2, emit=events.append)
        again = tamis.run(folder / "recipe.yaml", workers=2)
        assert again.steps["reused"].to_list() == again.steps["in"].to_list()
        delivered.append([path.read_bytes() for path in sorted((folder / "out").glob("*.jsonl"))])
        texts = [row["messages"][1]["content"] for row in result.to_dicts()]
        emptied = [k for k in range(80) if k % 3 and k % 10 == 1]
        assert texts == [lines[0], *(plain[k] for k in range(1, 80) if k not in emptied)]
        assert result.outcomes["dropped"] == len(emptied)
        told = {event.step: event.counts for event in events if isinstance(event, StepDone)}
        assert told["dedup.substring"]["changed"] == 26
    assert delivered[0] == delivered[1]


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"in": "column:body"}, "`in` must be one of"),
        ({"in": ["text", "response"]}, "`in` must be one of"),
        ({"in": "rejected"}, "`in` must be one of"),
        ({"share": 0.3}, "no effect with `action: cut`"),
        ({"min_count": 1}, "greater than or equal to 2"),
        ({"min_length": 2}, "greater than or equal to 3"),
    ],
)
def test_impossible_settings_are_refused(settings_: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Substring.model_validate(settings_)


# -- real data --------------------------------------------------------------------------------------------


def packed(path: Path) -> str:
    return gzip.open(path, "rt", encoding="utf-8").read()


def test_what_is_found_in_real_mails_is_what_a_slow_search_finds(data: Path) -> None:
    lines = packed(data / "aeslc-email/aeslc_train.jsonl.gz").split("\n")
    texts = [text for line in lines[:1500] if line.strip() and (text := json.loads(line)["body"]).isascii()]
    rows = [[re.sub(r"\d", "z", text)] for text in texts]
    fast = found_words(rows, 20, 5, first_stays=False)
    assert fast == slow(rows, 20, 5, first_stays=False)
    assert len(fast) > 500


def test_mails_lose_notices_that_many_carry(data: Path) -> None:
    lines = packed(data / "aeslc-email/aeslc_train.jsonl.gz").split("\n")
    texts = [json.loads(line)["body"] for line in lines if line.strip()]
    result = run_step(Substring.model_validate({"in": "text", "keep": "none"}), [{"text": text} for text in texts])
    spans = {
        text[span["start"] : span["end"]]
        for text, row in zip(texts, result.evidence, strict=True)
        for span in row["spans"] or []
    }
    for words in ("we do not represent that it is accurate", "an attachment type that Enron does not allow"):
        before, after = (sum(words in text for text in some) for some in (texts, [row["text"] for row in result.kept]))
        assert any(words in span for span in spans)
        assert before >= 10
        assert after <= before / 5


def test_good_instruction_data_is_left_alone(data: Path) -> None:
    for name in ("codegen-instruct", "roleplay-simple-deduped-roleplay-instruct"):
        rows = json.loads(packed(data / f"gpteacher/{name}.json.gz"))
        result = run_step(Substring(), [{"prompt": row["instruction"], "response": row["response"]} for row in rows])
        assert not any(result.changed)
        assert set(result.kinds) == {"kept"}
