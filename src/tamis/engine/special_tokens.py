"""Control tokens of chat templates and tokenizers that leaked into texts.

Families, each with the models whose published templates or tokenizers have them:
`chat`: ChatML (Qwen, Yi, Phi), Llama 2–4, Mistral, Gemma, DeepSeek, Command R, GLM, InternLM, Baichuan, gpt-oss, T5, BERT;
`turns`: role headings of instruction templates (Alpaca, Vicuna) and answers that run on into the next turn;
`bytes`: what byte-level and SentencePiece tokenizers write for spaces and bytes (Ġ, ▁, <0x0A>).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import polars as pl

from tamis.core.columns import Columns
from tamis.core.row import CHAT_VIEWS, view_column

if TYPE_CHECKING:
    from .kernels.phrases import Phrases

Kind = Literal["chat", "turns", "bytes"]

_WHOLE = re.findall(
    r"\S+",
    "[INST] [/INST] <<SYS>> <</SYS>> [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_CALLS] [TOOL_RESULTS] [/TOOL_RESULTS]"
    " [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [gMASK] [sMASK] <sop> <eop> <eod> <eoh> <eoa> <bos> <eos> <unk> <pad> <BOS_TOKEN>"
    " <EOS_TOKEN> <PAD_TOKEN> [UNK] [PAD] [CLS] [SEP] [BOS] [EOS] <start_of_turn> <end_of_turn> <start_of_image>"
    " <end_of_image> <start_function_call> <end_function_call>",
)
_BEGIN = ("<unused", "<reserved_", "<TOKENS_UNUSED_", "<extra_id_", "<0x")
_CHAT = re.compile(
    r"<\|[A-Za-z](?:[A-Za-z0-9_.▁-]{2,40})\|>|<｜[^｜<>\n]{2,40}｜>|"
    + "|".join(map(re.escape, _WHOLE))
    + r"|<(?:unused|reserved_|TOKENS_UNUSED_|reserved_special_token_|extra_id_)\d{1,4}>|</?s>"
)
_BYTES = re.compile(r"<0x[0-9A-F]{2}>|[ĠĊ]+[A-Za-z(\"'][^\sĠĊ]*|▁[A-Za-z]+")
_HEADING = re.compile(
    r"^#{2,4} ?(?:Instruction|Instructions|Response|Human|Assistant|System|User|Input)[ \t]*:|^### End[ \t]*$", re.M
)
#: a turn in which the text goes on as the user would
_NEXT = re.compile(
    r"(?:^|(?<=\n))[ \t]*(?:\*\*)?(Human|HUMAN|User|USER|Assistant|ASSISTANT|AI|Bot)(?:\*\*)?:(?:\*\*)?[ \t]?"
)
_LABEL = re.compile(r"\W{0,4}[A-Z#][\w#'’.-]*(?: [\w#'’.-]+){0,3}(?:\*\*)?:")
_ANSWER_LABEL = re.compile(r"\s*(?:Assistant|ASSISTANT|AI Assistant)[ \t]*:[ \t]*(?=\S)")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.M | re.S)
_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)[^\n]*?(?<!`)\1(?!`)")
_QUOTED = re.compile(
    r"\"[^\"\n]{1,60}\"|“[^”\n]{1,60}”|(?<!\w)'[^'\n]{1,60}'(?!\w)|‘[^’\n]{1,60}’|«[^»\n]{1,60}»|「[^」\n]{1,40}」"
)
_STRUCK = re.compile(r"<s>[^<>\n]{1,200}</s>")
_ABOUT = re.compile(
    r"\b(?:(?:special |control )?tokens?|tokeni[sz]\w*|chat templates?|ChatML|placeholders?)\b|标记|トークン|토큰", re.I
)
_SENTENCE_END = re.compile(r"[.!?。！？](?=\s|$|<|\[)|\n")


class Token(NamedTuple):
    """A leaked token: what it is, its family, and where it stands in its message (code points)."""

    text: str
    kind: Kind
    start: int
    end: int


def hidden_code(text: str) -> str:
    """The text with code (fences, `spans`) blanked out, in the same places."""
    if "`" not in text and "~~~" not in text:
        return text

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", "\0", match[0])

    return _SPAN.sub(blank, _FENCE.sub(blank, text))


def find_tokens(text: str, kinds: Collection[str], *, answer: bool = True, mentions: bool = False) -> list[Token]:
    """The tokens leaked into one message, in order.

    answer: whether a model would have written it: only there role headings are a leak, users write them as examples.
    mentions: whether tokens in code and quotation marks, and those called tokens, count too.
    """
    shown = text if mentions else _QUOTED.sub(_keep_if_prose, hidden_code(text))
    found: list[Token] = []
    if "chat" in kinds:
        found += _chat(shown, mentions)
    if "bytes" in kinds:
        marks = [match for match in _BYTES.finditer(shown) if _is_artefact(shown, match)]
        if len(marks) >= 2 or any(match[0].startswith("<0x") for match in marks):
            found += [Token(match[0], "bytes", *match.span()) for match in marks]
    if "turns" in kinds and answer:
        found += _turns(shown)
    return sorted(found, key=lambda token: token.start)


def _keep_if_prose(match: re.Match[str]) -> str:
    """Blank a quotation that is little more than a token; leave other quotations, in which things leak too."""
    inside = match[0][1:-1].strip()
    token = _CHAT.search(inside) or _BYTES.search(inside)
    return "\0" * len(match[0]) if token and len(token[0]) * 2 >= len(inside) else match[0]


def _chat(shown: str, mentions: bool) -> list[Token]:
    struck: list[tuple[int, int]] = []
    if "<s>" in shown and not mentions:  # HTML's <s> strikes a passage through
        whole = shown.strip()
        struck = [m.span() for m in _STRUCK.finditer(shown) if m[0] != whole]
    found = []
    for match in _CHAT.finditer(shown):
        start, end = match.span()
        if any(a <= start and end <= b for a, b in struck):
            continue
        if not mentions and _ABOUT.search(_sentence_around(shown, start, end)):
            continue
        found.append(Token(match[0], "chat", start, end))
    return found


def _sentence_around(text: str, start: int, end: int) -> str:
    """The sentence in which a token stands, without other tokens."""
    before, after = text[max(0, start - 200) : start], text[end : end + 200]
    begins = max((stop.end() for stop in _SENTENCE_END.finditer(before)), default=0)
    stop = _SENTENCE_END.search(after)
    return _CHAT.sub(" ", f"{before[begins:]} {after[: stop.start()] if stop else after}")


def _is_artefact(shown: str, match: re.Match[str]) -> bool:
    """Ġ is a letter of Maltese and ▁ a block of charts: an artefact stands where neither would."""
    text, start = match[0], match.start()
    if text.startswith("<0x"):
        return True
    before = shown[start - 1] if start else ""
    if text[0] == "▁":
        return not before.isspace() and before not in "▂▃▄▅▆▇█"
    return before.isascii() and not before.isspace() and not text[1:2].isupper()


def _turns(shown: str) -> list[Token]:
    found = [Token(m[0], "turns", *m.span()) for m in _HEADING.finditer(shown)]
    marks = list(_NEXT.finditer(shown))
    users = [m for m in marks if m[1].lower() in ("human", "user")]
    others = [m for m in marks if m[1].lower() not in ("human", "user")]
    label = _ANSWER_LABEL.match(shown)
    if label and not users:
        return [
            Token(label[0].strip(), "turns", label.start() + len(label[0]) - len(label[0].lstrip()), label.end()),
            *found,
        ]
    first = users[0] if users else None
    if first is None or not shown[: first.start()].strip():
        return found  # none, or a script from its first line on
    before = shown[: first.start()]
    lines = [line for line in before.split("\n") if line.strip()]
    if any(_LABEL.match(line) for line in (lines[0], lines[-1])):
        return found  # a script, or a list of labels
    apart = before.rstrip(" \t").endswith("\n\n") and before.rstrip()[-1:] in ".!?)\"'`”。！？"
    answered = any(m.start() > first.start() for m in others)
    if answered or (apart and first[1] in ("Human", "HUMAN")):
        found.append(Token(first[0].strip(), "turns", *first.span()))
    return found


@cache
def _table() -> Phrases:
    """One of these stands in every text in which anything can be found."""
    from .kernels.phrases import phrases

    letters = [chr(c) for c in (*range(65, 91), *range(97, 123))]
    texts = [
        *_WHOLE, *_BEGIN, "<s>", "</s>", "<｜",
        *(f"<|{letter}" for letter in letters), *(f"Ġ{letter}" for letter in (*letters, "(", '"', "'")),
        *(f"Ċ{letter}" for letter in (*letters, "(", '"', "'")), *(f"▁{letter}" for letter in letters),
        *(f"##{gap}{word}" for word in ("Instruction", "Response", "Human", "Assistant", "System", "User", "Input", "End") for gap in ("", " ")),
        *("Human:", "HUMAN:", "User:", "USER:", "Assistant:", "ASSISTANT:", "AI:", "Bot:", "Human**:", "User**:"),
    ]  # fmt: skip
    return phrases([text.encode() for text in texts], width=3, fold=False)


class Leaks(NamedTuple):
    """Per row: how many tokens leaked; the first one, its family, and its span (message, start, end); else null."""

    tokens: pl.Series
    token: pl.Series
    kind: pl.Series
    message: pl.Series
    start: pl.Series
    end: pl.Series


def find_leaks(rows: Columns, view: str, kinds: Collection[str], *, mentions: bool) -> Leaks:
    """The tokens leaked into a view."""
    from .marked import marked_rows, messages_of, spread

    at = marked_rows(rows.buffers(view), _table())
    first: dict[int, tuple[Token, int]] = {}
    counts: dict[int, int] = {}
    for message in messages_of(rows, view, at):
        answer = message.role in ("assistant", "document")
        for token in find_tokens(message.text, kinds, answer=answer, mentions=mentions):
            first.setdefault(message.row, (token, message.number))
            counts[message.row] = counts.get(message.row, 0) + 1
    n, where = rows.height, list(first)
    tokens = [token for token, _ in first.values()]
    return Leaks(
        spread(list(counts.values()), where, n, pl.Int32, 0),
        spread([token.text for token in tokens], where, n, pl.String),
        spread([token.kind for token in tokens], where, n, pl.String),
        spread([number for _, number in first.values()], where, n, pl.Int32),
        spread([token.start for token in tokens], where, n, pl.Int32),
        spread([token.end for token in tokens], where, n, pl.Int32),
    )


def cut_tokens(text: str, kinds: Collection[str], *, answer: bool = True, mentions: bool = False) -> tuple[str, int]:
    """The text without its leaked tokens, and how many there were.

    Spaces that byte-level tokenizers wrote come back; a text that runs on into the user's next turn ends before it.
    """
    found = find_tokens(text, kinds, answer=answer, mentions=mentions)
    if not found:
        return text, 0
    parts, k = [], 0
    for token in found:
        if token.start < k:
            continue
        parts.append(text[k : token.start])
        k = token.end
        if token.kind == "turns" and _NEXT.match(token.text) and token.text[:1] in "HU":
            return "".join(parts).strip(), len(found)
        if token.kind == "bytes":
            parts.append(_decoded(token.text))
    return "".join([*parts, text[k:]]).strip(), len(found)


def _decoded(token: str) -> str:
    if token.startswith("<0x"):
        byte = int(token[3:5], 16)
        return chr(byte) if byte in (0x09, 0x0A, 0x20) else ""
    return token.replace("Ġ", " ").replace("▁", " ").replace("Ċ", "\n")


class Cut(NamedTuple):
    """What became of the rows: whole new columns, which rows changed, and which have an empty text now."""

    changes: dict[str, pl.Series]
    changed: np.ndarray
    empty: pl.Series


def cut_leaks(rows: Columns, view: str, kinds: Collection[str], *, mentions: bool, leaked: pl.Series) -> Cut:
    """Cut the tokens out of a view; `leaked` (n,) says in which rows some were found."""
    from .marked import messages_of
    from .rewrite import patched, with_contents

    n, column = rows.height, view_column(view)
    changed, empty = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    at = np.flatnonzero(leaked.to_numpy())
    if not len(at):
        name = rows.find(column) if view not in (*CHAT_VIEWS, "text") else column
        return Cut({name: rows[name]} if name in rows.names else {}, changed, pl.Series(empty))
    places, values = [], []
    chat = rows.chat(column) if view in CHAT_VIEWS else None
    for message in messages_of(rows, view, at):
        answer = message.role in ("assistant", "document")
        text, count = cut_tokens(message.text, kinds, answer=answer, mentions=mentions)
        if count:
            places.append(message.row if chat is None else int(chat.starts[message.row]) + message.number)
            values.append(text)
            changed[message.row] = True
            empty[message.row] |= not text
    at_places, new = np.array(places, np.int64), pl.Series(values, dtype=pl.String)
    if chat is None:
        name = rows.find(column)
        whole = patched(rows[name].cast(pl.String), at_places, new).alias(name)
    else:
        name = column
        whole = with_contents(rows[name], chat, patched(chat.messages["content"], at_places, new))
    return Cut({name: whole}, changed, pl.Series(empty))
