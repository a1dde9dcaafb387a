"""How abusive is a text? Terms from lists, disguised or not, weighed by kind, by whom they are aimed at, and by length.

A kernel marks the few texts that hold a term or a disguise of a strong one (`f*ck`, `sh1t`, `b.i.t.c.h`, `fuuuck`); only
those are read word by word. Points: a slur 100, a vulgar term 50, a mild one 20, and 20
more where it is aimed at somebody; those of vulgar and mild terms thin out in texts of more than `SHORT` words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import polars as pl

from tamis.core.columns import Columns
from tamis.core.errors import DataError

if TYPE_CHECKING:
    from .kernels.phrases import Phrases

Kind = Literal["slur", "vulgar", "mild"]
LANGUAGES = ("en", "de", "fr", "es")
POINTS: dict[Kind, int] = {"slur": 100, "vulgar": 50, "mild": 20}
AIMED = 20  # more points for a term aimed at somebody
SHORT = 60  # words of a text in which every term counts in full
WIDTH = 4  # bytes; the kernel sees nothing in shorter texts
NEAR = 4  # words around a term that can make it innocent

_LEET_OF = {"a": "@4", "s": "$5", "o": "0", "i": "1!|", "e": "3", "t": "7", "b": "8"}
_LEET = str.maketrans({sign: letter for letter, signs in _LEET_OF.items() for sign in signs})
_TOKEN = re.compile(r"[^\W_][\w@$*!'’|]*|[@$][\w@$*!|]+")
_SPACED = re.compile(r"(?<![^\W_])[^\W\d_](?P<gap>[ .*_-]{1,2})[^\W\d_](?:(?P=gap)[^\W\d_])+(?![^\W_])")
_WIDE = re.compile(r"[\u0e00-\u0eff\u3040-\u9fff]")  # scripts without spaces
_RUN = re.compile(r"(.)\1{2,}")
_AT = frozenset(
    ["you", "u", "ur", "your", "youre", "you're", "ya", "yo", "yall", "y'all", "these", "those", "dem", "dis", "dat", "such", "he", "he's", "hes", "she", "she's", "shes", "they", "they're", "are", "is", "du", "ihr", "sie", "ihre", "deine", "dein", "tu", "ton", "ta", "vous", "espèce", "eres", "tú", "tu", "ese", "esa"]
)  # fmt: skip
_DISCUSSED = re.compile(
    r"\b(?:slurs?|epithets?|derogatory|pejorative|offensive|profan\w+|swear ?words?|curse words?|vulgar\w*|the (?:word|term|phrase)s?|racist|racism|hate speech|censor\w*|insulting|insults?"
    r"|schimpfwort|schimpfwörter|beleidigung|abwertend|injure|péjorati\w+|insulto|despectiv\w+)\b",
    re.I,
)
#: words that begin like a term and are none
_OTHER_WORDS = ("niggard", "shitake")
_QUOTES = "\"“”'‘’«»„`"


class Term(NamedTuple):
    """A term: as written in lower case, whether it may go on, how bad it is, and what near it makes it innocent."""

    text: str
    prefix: bool
    kind: Kind
    innocent: frozenset[str]


class Hit(NamedTuple):
    """A term found: as it stands in the text, its kind, whether aimed at somebody, its span in code points."""

    text: str
    kind: Kind
    aimed: bool
    start: int
    end: int


class Lexicon:
    """Terms, ready to be looked up."""

    def __init__(self, terms: Collection[Term]) -> None:
        self.whole = {term.text: term for term in terms if not term.prefix and " " not in term.text}
        plurals = {f"{text}s": term for text, term in self.whole.items()}
        self.whole = plurals | self.whole
        self.prefixes = {term.text: term for term in terms if term.prefix}
        self.longest = max(map(len, self.prefixes), default=0)
        self.several = {tuple(term.text.split()): term for term in terms if " " in term.text}
        self.heads = {words[0] for words in self.several}
        self.squeezed = {re.sub(r"(.)\1+", r"\1", text): term for text, term in self.whole.items() if len(text) >= 4}
        strong = [term for term in self.whole.values() if term.kind != "mild"]
        self.masked = {text: term for text, term in self.whole.items() if term in strong and len(text) >= 4}
        self.masked |= self.prefixes
        self.inside = [term for term in terms if _WIDE.search(term.text)]
        self.terms = tuple(terms)

    def find(self, token: str) -> Term | None:
        """The term that a word is, or begins with, disguised or not."""
        word = token.lower().replace("’", "'").strip("'!|")
        found = self._plain(word)
        if found is None:
            found = self._disguised(word)
            if found and found.kind == "mild":
                found = None
        return found

    def _disguised(self, word: str) -> Term | None:
        if word.isalpha():
            return self._stretched(word)
        if "*" in word:
            return self._starred(word)
        if len(word) < 3:
            return None
        return self._plain(word.removesuffix("'s")) or self._plain(word.translate(_LEET))

    def _plain(self, word: str) -> Term | None:
        found = self.whole.get(word)
        if found:
            return found
        for size in range(3, min(len(word), self.longest) + 1):
            found = self.prefixes.get(word[:size])
            if found and not word.startswith(_OTHER_WORDS):
                return found
        return None

    def _stretched(self, word: str) -> Term | None:
        if not _RUN.search(word):
            return None
        for times in (r"\1", r"\1\1"):
            found = self._plain(_RUN.sub(times, word))
            if found:
                return found
        return self.squeezed.get(re.sub(r"(.)\1+", r"\1", word))

    def _starred(self, word: str) -> Term | None:
        bare = word.strip("*") if word.startswith("*") else word
        stars = bare.count("*")
        if not stars or any(c.isdigit() for c in bare):
            return self._plain(bare)
        if not bare[0].isalpha() or (not bare[-1].isalpha() and stars < 2) or len(bare) < 4:
            return None
        fitting = [
            term
            for text, term in self.masked.items()
            if _fits(bare[: len(text)] if term.prefix else bare, text) or _fits(bare, f"{text}s")
        ]
        return min(fitting, key=lambda term: POINTS[term.kind], default=None)


def _fits(starred: str, text: str) -> bool:
    """Whether a word with stars for letters may be `text`."""
    return len(starred) == len(text) and all(c in ("*", d) for c, d in zip(starred, text, strict=True))


def find_terms(text: str, lexicon: Lexicon, ignore: Collection[str] = ()) -> list[Hit]:
    """The terms in one text that are meant, not quoted as words, discussed or innocent."""
    from .special_tokens import hidden_code

    shown = hidden_code(text)
    tokens = list(_TOKEN.finditer(shown))
    words = [token[0].lower().replace("’", "'").strip("'!*") for token in tokens]
    found = []
    for k, token in enumerate(tokens):
        term = lexicon.find(token[0])
        size = 1
        if words[k] in lexicon.heads:
            for several, other in lexicon.several.items():
                if tuple(words[k : k + len(several)]) == several or tuple(w.rstrip("s") for w in words[k : k + len(several)]) == several:  # fmt: skip
                    term, size = other, len(several)
        if term is None or term.text in ignore or words[k] in ignore:
            continue
        around = {w.strip(".,") for w in (*words[max(0, k - NEAR) : k], *words[k + size : k + size + NEAR])}
        if term.innocent & around or _is_name(token, shown, term):
            continue
        start, end = token.start(), tokens[k + size - 1].end()
        end -= len(shown[start:end]) - len(shown[start:end].rstrip("'’!|"))
        if not _discussed(shown, start, end):
            aimed = bool(_AT.intersection(words[max(0, k - 3) : k]))
            found.append(Hit(text[start:end], term.kind, aimed, start, end))
    for term in lexicon.inside:
        for match in re.finditer(re.escape(term.text), shown):
            if term.text not in ignore and not _discussed(shown, *match.span()):
                found.append(Hit(match[0], term.kind, False, *match.span()))
    for match in _SPACED.finditer(shown):
        term = lexicon.masked.get(re.sub(r"[^\w]|_", "", match[0]).lower())
        if term and term.text not in ignore and not _discussed(shown, *match.span()):
            found.append(Hit(match[0], term.kind, False, *match.span()))
    return sorted(found, key=lambda hit: hit.start)


def score_of(hits: Collection[Hit], words: int) -> int:
    """0..100: how abusive a text of so many words with these terms is."""
    slurs = sum(POINTS["slur"] for hit in hits if hit.kind == "slur")
    rest = sum(POINTS[hit.kind] + AIMED * hit.aimed for hit in hits if hit.kind != "slur")
    return min(100, slurs + rest * SHORT // max(words, SHORT))


def _is_name(token: re.Match[str], text: str, term: Term) -> bool:
    """Whether a term that people are called, too, stands as part of a name (Dick Miller, Mr Cock)."""
    if (
        term.text not in ("dick", "cock", "coon", "dyke", "hoe", "prick", "fag", "bastard")
        or not token[0][:1].isupper()
    ):
        return False
    return token[0][1:].islower() and bool(
        re.match(r" [A-Z][a-z]", text[token.end() : token.end() + 3])
        or re.search(r"\b(?:[A-Z][a-z]+|Mr\.?|Mrs\.?|Dr\.?) $", text[max(0, token.start() - 20) : token.start()])
    )


def _discussed(text: str, start: int, end: int) -> bool:
    """Whether a term stands alone in quotation marks, or its sentence talks about words."""
    if text[start - 1 : start] in _QUOTES and start and text[end : end + 1] in _QUOTES and end < len(text):
        return True
    before = max(text.rfind(mark, 0, start) for mark in (". ", "! ", "? ", "\n"))
    after = min((k for mark in (". ", "! ", "? ", "\n") if (k := text.find(mark, end)) >= 0), default=len(text))
    return _DISCUSSED.search(text, before + 1, after) is not None


def read_terms(text: str, languages: Collection[str]) -> list[Term]:
    """The terms of some languages, from the text of the project's own list."""
    terms, section = [], ""
    for line in text.split("\n"):
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#") and section in languages:
            written, kind, *near = line.split("\t")
            terms.append(_term(written, kind, near[0] if near else ""))
    return terms


def _term(written: str, kind: Any, near: str = "") -> Term:
    text = written.strip().lower()
    return Term(text.rstrip("*"), text.endswith("*"), kind, frozenset(near.split("|")) - {""})


@lru_cache(maxsize=8)
def lexicon(languages: tuple[str, ...], own: tuple[tuple[str, int, int], ...]) -> Lexicon:
    """The terms of some languages and of own lists, (path, time of change, size) each."""
    text = files("tamis.engine").joinpath("data/toxic_terms.txt").read_text(encoding="utf-8")
    terms = read_terms(text, languages)
    for path, _, _ in own:
        for number, line in enumerate(Path(path).read_text(encoding="utf-8-sig").splitlines(), 1):
            written, _, kind = line.partition("\t")
            if not written.strip() or written.startswith("#"):
                continue
            if kind.strip() not in ("", *POINTS):
                raise DataError(
                    f"filter.toxicity: {path}:{number}: {kind.strip()!r} is no kind; possible: {', '.join(POINTS)}"
                )
            terms.append(_term(written, kind.strip() or "vulgar"))
    return Lexicon(terms)


def _disguises(text: str) -> Iterator[str]:
    """What a strong term may be written as, so that a text with it is looked at."""
    for k, c in enumerate(text):
        yield text[: k + 1] + c + c  # stretched
        if k:
            yield f"{text[:k]}*{text[k + 1 :]}"
    for letters in product(*(c + _LEET_OF.get(c, "") for c in text[:6])):
        yield "".join(letters) + text[6:]
    if len(text) <= 7:
        for inner in product((False, True), repeat=len(text) - 1):
            if any(inner):
                yield text[0] + "".join("*" if star else c for c, star in zip(text[1:], inner, strict=True))
    for gap in (" ", ".", "-", "_", "*", ". ", "- "):
        yield gap.join(text[:4])


#: what may stand before and after a word of three letters, too short for a gram
_BEFORE, _AFTER = " \n\t”\"'(-/#@*:_“‘.,", " \n\t,.!?'\")-/:;*_"


@cache
def _table(terms: tuple[Term, ...]) -> Phrases:
    """One of these stands in every text in which a term is found."""
    from .kernels.phrases import LEFT, RIGHT, phrases

    sought: dict[str, int] = {}

    def seek(form: str, edges: int) -> None:
        if len(form.encode()) >= 4:
            sought[form] = sought.get(form, edges) & edges
        else:
            for form_before in (before + form for before in _BEFORE):
                sought[form_before] = edges & RIGHT
            for form_after in (form + after for after in _AFTER):
                sought[form_after] = edges & LEFT

    for term in terms:
        edges = LEFT if term.prefix or " " in term.text else LEFT | RIGHT
        for form in (term.text, f"{term.text}s"):
            seek(form, 0 if _WIDE.search(term.text) else edges)
            if not form.isascii():
                seek(form.upper(), edges)
        if len(term.text) >= 4 and " " not in term.text and term.kind != "mild":
            for form in _disguises(term.text):
                if len(form) >= 4 and form != term.text:
                    seek(form, LEFT if form[0].isalnum() else 0)
    return phrases([form.encode() for form in sought], edges=list(sought.values()))


class Toxicity(NamedTuple):
    """Per row: the score (Float32, 0..1), the terms found, and the first one's span (message, start, end); else null."""

    score: pl.Series
    terms: pl.Series
    message: pl.Series
    start: pl.Series
    end: pl.Series


def toxicity_of(rows: Columns, view: str, words: Lexicon, ignore: Collection[str]) -> Toxicity:
    """The score of each row: that of its worst message."""
    from .marked import marked_rows, messages_of, spread

    text = rows.buffers(view)
    at = np.union1d(marked_rows(text, _table(words.terms)), np.flatnonzero(np.diff(text.offsets) < WIDTH))
    first: dict[int, tuple[Hit, int]] = {}
    scores: dict[int, int] = {}
    terms: dict[int, dict[str, None]] = {}
    for message in messages_of(rows, view, at):
        hits = find_terms(message.text, words, ignore)
        if hits:
            score = score_of(hits, len(message.text.split()))
            scores[message.row] = max(score, scores.get(message.row, 0))
            first.setdefault(message.row, (hits[0], message.number))
            terms.setdefault(message.row, {}).update(dict.fromkeys(hit.text for hit in hits))
    n, where = rows.height, list(first)

    def column(values: list[Any], dtype: Any, empty: Any = None) -> pl.Series:
        return spread(values, where, n, dtype, empty)

    return Toxicity(
        column([scores[row] / 100 for row in where], pl.Float32, 0.0),
        column([", ".join(terms[row]) for row in where], pl.String),
        column([number for _, number in first.values()], pl.Int32),
        column([hit.start for hit, _ in first.values()], pl.Int32),
        column([hit.end for hit, _ in first.values()], pl.Int32),
    )
