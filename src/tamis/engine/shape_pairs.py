"""Pairs of answers: chosen and rejected, as texts, messages or transcripts."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Chat

from .chats import join_chats, nothing, one_message, only
from .shape_chat import Piece, read_lists, sparse
from .shape_read import Mapped, Reading, read_history

_TURN = re.compile(r"\n\n(Human|Assistant):")


def read_preference(reading: Reading) -> Mapped:
    tools = None
    prompt = nothing(reading.n)
    if reading.has("input"):
        whole = reading.text("input", required=True)
        prompt = reading.take(read_lists(whole.str.json_path_match("$.messages"), f"{reading.label('input')}.messages"))
        tools = whole.str.json_path_match("$.tools")
    elif reading.has("messages"):
        prompt = reading.lists("messages")
    elif reading.has("instruction"):
        user = reading.text("instruction", required=True)
        if reading.has("query"):
            more = reading.text("query").fill_null("")
            user = pl.select(
                pl.when(more == "").then(user).otherwise(pl.concat_str(user, pl.lit(reading.join), more))
            ).to_series()
        prompt = join_chats([read_history(reading), one_message("user", user)])
    elif reading.has("prompt"):
        prompt = _transcripts(reading, "prompt", "user")
    chosen, rejected = (_transcripts(reading, field, "assistant") for field in ("chosen", "rejected"))
    full = [_completed(reading, prompt, chosen, "chosen"), _completed(reading, prompt, rejected, "rejected")]
    full = [join_chats([reading.system(chat), chat]) for chat in full]
    if not reading.has("input"):
        tools = reading.tools()
    return reading.done(full[0], rejected=_continuation(full[0], full[1]), tools=tools)


def _transcripts(reading: Reading, field: str, role: str) -> Chat:
    r"""A field as messages, where a text may be a transcript `\n\nHuman: …\n\nAssistant: …`."""
    series = reading.text(field)
    script = series.str.contains(r"^\s*\n\n(?:Human|Assistant):").fill_null(False)
    if not script.any():
        return reading.turn(field, role, single=True)
    label = reading.label(field)
    rows = script.arg_true()
    starts = np.zeros(reading.n + 1, np.int64)
    problems: dict[int, str] = {}
    lost: dict[int, str] = {}
    turns: list[tuple[str, str]] = []
    for row, text in zip(rows.to_list(), series.gather(rows).to_list(), strict=True):
        found = parse_transcript(text)
        if role == "user" and found[-1] == ("assistant", ""):
            found.pop()  # a prompt ends where the answer shall begin
        elif write_transcript(found) != text:
            lost[row] = "spacing"
        if not found:
            problems[row] = f"{label} has no messages"
        turns += found
        starts[row + 1] = len(found)
    piece = Piece(Chat(np.cumsum(starts), _turn_frame(turns)), sparse(problems, reading.n), sparse(lost, reading.n))
    rest = pl.select(pl.when(~script).then(series)).to_series()
    reading.fault(series.is_null(), f"{label} is null")
    return join_chats([reading.take(piece), reading.turn_of(rest, field, role, single=True)])


def _turn_frame(turns: list[tuple[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(turns, schema={"role": pl.String, "content": pl.String}, orient="row")


def parse_transcript(text: str) -> list[tuple[str, str]]:
    r"""The turns of `\n\nHuman: …\n\nAssistant: …`."""
    marks = list(_TURN.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    roles = {"Human": "user", "Assistant": "assistant"}
    return [(roles[mark[1]], text[mark.end() : end].removeprefix(" ")) for mark, end in zip(marks, ends, strict=True)]


def write_transcript(turns: Sequence[tuple[str, str]]) -> str:
    """The same, back."""
    names = {"user": "Human", "assistant": "Assistant"}
    return "".join(f"\n\n{names[role]}: {text}" for role, text in turns)


def _completed(reading: Reading, prompt: Chat, answer: Chat, field: str) -> Chat:
    """Prompt and answer; an answer that is a whole conversation stands alone, and must hold the prompt."""
    counts = np.diff(answer.starts)
    first = pl.Series(np.where(counts > 0, answer.starts[:-1], 0)).cast(pl.UInt32)
    roles = (
        answer.messages["role"].gather(first)
        if answer.messages.height
        else pl.Series(["assistant"]).new_from_index(0, reading.n)
    )
    whole = (roles.is_in(["system", "user"]) & pl.Series(counts > 0)).to_numpy()
    has_prompt = np.diff(prompt.starts) > 0
    reading.fault(pl.Series(~whole & ~has_prompt & (counts > 0)), f"{field} is an answer without a prompt")
    strange = {}
    for i in np.flatnonzero(whole & has_prompt).tolist():
        asked = prompt.messages["content"][int(prompt.starts[i + 1]) - 1]
        if asked not in answer.messages["content"][int(answer.starts[i]) : int(answer.starts[i + 1])].to_list():
            strange[i] = f"{field} is a conversation that does not hold the prompt"
    reading.take(Piece(nothing(reading.n), sparse(strange, reading.n)))
    return join_chats([only(prompt, ~whole), answer])


def _continuation(chosen: Chat, rejected: Chat) -> Chat:
    """`rejected` without what it shares with `chosen`: the messages up to chosen's last user turn.

    Rows whose conversations differ before that keep the whole of it.
    """
    n = len(chosen.starts) - 1
    m = chosen.messages.height
    user = (chosen.messages["role"] == "user").to_numpy() if m else np.empty(0, np.bool_)
    row_of = np.repeat(np.arange(n), np.diff(chosen.starts))
    shared = np.zeros(n, np.int64)
    at = np.flatnonzero(user)
    np.maximum.at(shared, row_of[at], at - chosen.starts[row_of[at]] + 1)
    fits = np.diff(rejected.starts) > shared
    shared[~fits] = 0
    total = int(shared.sum())
    row = np.repeat(np.arange(n), shared)
    j = np.arange(total) - np.repeat(np.cumsum(shared) - shared, shared)
    same = np.ones(total, np.bool_)
    for name in ("role", "content", "tool_calls"):
        if name in chosen.messages.columns or name in rejected.messages.columns:
            left, right = (_gathered(c, name, c.starts[row] + j) for c in (chosen, rejected))
            same &= left.eq_missing(right).to_numpy()
    differs = np.zeros(n, np.bool_)
    differs[row[~same]] = True
    shared[differs] = 0
    follows = np.minimum(rejected.starts[:-1] + shared, max(rejected.messages.height - 1, 0))
    answered = _gathered(rejected, "role", follows).is_in(["system", "user"]).fill_null(False).to_numpy()
    shared[answered] = 0
    position = np.arange(rejected.messages.height) - np.repeat(rejected.starts[:-1], np.diff(rejected.starts))
    keep = position >= np.repeat(shared, np.diff(rejected.starts))
    starts = np.concatenate([[0], np.cumsum(np.diff(rejected.starts) - shared)]).astype(np.int64)
    return Chat(starts, rejected.messages.filter(pl.Series(keep)))


def _gathered(chat: Chat, name: str, index: NDArray[np.int64]) -> pl.Series:
    if name not in chat.messages.columns or not chat.messages.height:
        return pl.Series(name, [None], dtype=pl.String).new_from_index(0, len(index))
    return chat.messages[name].gather(pl.Series(index).cast(pl.UInt32))
