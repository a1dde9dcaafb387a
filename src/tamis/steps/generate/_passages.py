"""Passages of a text, and where a quotation stands in one."""

from __future__ import annotations

import re
from typing import NamedTuple

from tamis.engine.novelty import words

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE = re.compile(r"[.!?…。！？]['\"”’)\]]*\s+|\n")
_QUOTES = {"'": "['‘’‚‛`´]", '"': '["“”„‟«»]', "-": "[-‐‑–—]"}
_SAME = str.maketrans(dict.fromkeys("‘’‚‛`´", "'") | dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("‐‑–—", "-"))


class Passage(NamedTuple):
    """A piece of a text: its code points start..end."""

    text: str
    start: int
    end: int


def passages(text: str, longest: int) -> list[Passage]:
    """A text in pieces of whole paragraphs, up to `longest` characters; a longer paragraph is cut after sentences.

    >>> [(p.start, p.text) for p in passages("One.\\n\\nTwo two.\\n\\nThree.", 14)]
    [(0, 'One.\\n\\nTwo two.'), (16, 'Three.')]
    """
    found: list[Passage] = []
    start = 0
    while start < len(text):
        end = len(text)
        if end - start > longest:
            cuts = (_last(pattern, text, start, longest) for pattern in (_PARAGRAPH, _SENTENCE))
            end = next((cut for cut in cuts if cut > start + longest // 3), start + longest)
        said = text[start:end]
        if said.strip():
            begin = start + len(said) - len(said.lstrip())
            found.append(Passage(said.strip(), begin, begin + len(said.strip())))
        start = end
    return found


def _last(pattern: re.Pattern[str], text: str, start: int, longest: int) -> int:
    """The end of the last match that begins in text[start : start + longest + 1]; 0 where none does."""
    window = pattern.finditer(text, start, start + longest + 80)
    return max((match.end() for match in window if match.start() <= start + longest), default=0)


def find_quote(passage: str, quote: str) -> tuple[int, int] | None:
    """Where a quotation stands, whatever its spaces, quotation marks, dashes and case; None where it does not.

    >>> find_quote('He said: “It is  let at\\nlast”.', '"it is let at last"')
    (9, 29)
    """
    pieces = quote.translate(_SAME).split()
    if not words(quote) or not pieces:
        return None
    pattern = r"\s+".join("".join(_QUOTES.get(c) or re.escape(c) for c in piece) for piece in pieces)
    match = re.search(pattern, passage, re.IGNORECASE)
    if match is None and (bare := quote.strip().strip("\"'“”‘’.… ")) != quote and words(bare):
        return find_quote(passage, bare)
    return match.span() if match else None


_REFERS = re.compile(
    r"\b(?:the|this|that|above|given|provided)\s+(?:passage|excerpt|text|paragraph|document|snippet|section)\b"
    r"|\b(?:according to|in|from) (?:the|this) (?:passage|text|author|excerpt|context)\b"
    r"|\b(?:im|diesem|des) (?:text|abschnitt|absatz)(?:es|s)?\b",
    re.IGNORECASE,
)


def question_problem(question: str, passage: str) -> str | None:
    """What is wrong with a question about a passage: it `refers` to it, or is a `statement` that stands in it."""
    if _REFERS.search(question):
        return "refers"
    if not re.search(r"[?？؟;՞]", question) and find_quote(passage, question.rstrip(".。 ")) is not None:
        return "statement"
    return None
