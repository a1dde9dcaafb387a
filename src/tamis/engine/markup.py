"""HTML to text.

A small tokenizer of our own: the standard library's changes its reading between Python's patch releases.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: elements that begin a paragraph, and those that begin a line
PARAGRAPHS = _names(
    "address article aside blockquote center dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr main nav ol p"
    " pre section table ul"
)
LINES = _names(
    "body br caption dd details div dt figcaption head html legend li option summary tbody tfoot thead title tr"
)
INLINE = _names(
    "a abbr acronym b bdi bdo big button cite code col colgroup data del dfn em font i img input ins kbd label link map"
    " mark meta noscript output picture q s samp select small source span strike strong sub sup svg td textarea th time"
    " tt u var video wbr"
)
HIDDEN = _names("script style template")
KNOWN = PARAGRAPHS | LINES | INLINE | HIDDEN
VOID = _names("br col hr img input link meta source wbr")
#: elements that are closed only at the end of what they hold; in them, line ends of the source mean nothing
BOXES = _names(
    "article aside blockquote body center div dl fieldset footer form head header html main nav ol section table ul"
)
#: elements that end where the next block begins, closed or not; the same holds in them
FLOWS = _names("address caption dd dt figcaption h1 h2 h3 h4 h5 h6 legend li p summary td th title tr")

_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9]{0,10})"
    r"(?P<attributes>(?:\s+[a-zA-Z_:@][\w:.@-]{0,60}\s?=\s?(?:\"[^\"]{0,8000}\"|'[^']{0,8000}'|[^\s\"'=<>`]{1,2000})"
    r"|\s+(?:checked|disabled|hidden|selected|multiple|readonly|required|nowrap|noshade|async|defer|autofocus))*)\s*/?>"
)
_HREF = re.compile(r"\shref\s?=\s?(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=<>`]+))", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_SPACES = re.compile(r"[ \t\r\n\f]+")
_CODE = re.compile(r"(?<!`)(`{1,2})(?!`)[^`\n]{1,500}\1(?!`)")
_CODE_OR_REFERENCE = re.compile(f"{_CODE.pattern}|(?P<reference>{_REFERENCE.pattern})")


class Token(NamedTuple):
    """A piece of markup: kind 'text', 'open', 'close' or 'skip' (comment, doctype, script and its like)."""

    kind: str
    value: str
    attributes: str = ""


class Cleaned(NamedTuple):
    text: str
    tags: int
    entities: int


def tokens(source: str) -> Iterator[Token]:
    """The pieces of a text. What is no known element, or stands in a code span, stays text."""
    at = begin = 0
    absent: set[str] = set()  # ends that do not come any more
    spans = [match.span() for match in _CODE.finditer(source)] if "`" in source else []
    spans.reverse()
    while (at := source.find("<", at)) >= 0:
        while spans and spans[-1][1] <= at:
            spans.pop()
        if spans and spans[-1][0] < at:
            at = spans[-1][1]
            continue
        token, end = _piece(source, at, absent)
        if token is None:
            at += 1
            continue
        if begin < at:
            yield Token("text", source[begin:at])
        yield token
        at = begin = end
    if begin < len(source):
        yield Token("text", source[begin:])


def _piece(source: str, at: int, absent: set[str]) -> tuple[Token | None, int]:
    """The markup at `at`, and where it ends; None where it is text."""
    if source.startswith("<!--", at):
        end = _find(source, "-->", at + 4, absent)
        return (Token("skip", "comment"), end + 3) if end >= 0 else (None, at)
    if source[at + 1 : at + 9].lower() == "!doctype":
        end = source.find(">", at, at + 300)
        return (Token("skip", "doctype"), end + 1) if end >= 0 else (None, at)
    match = _TAG.match(source, at)
    if match is None or match["name"].lower() not in KNOWN or (match["name"].istitle() and len(match["name"]) > 1):
        return None, at  # `List<Data>` and `<Button>` are code
    name, end = match["name"].lower(), match.end()
    if match["close"]:
        return Token("close", name), end
    if name in HIDDEN:
        closing = _find(source, f"</{name}", end, absent)
        stop = source.find(">", closing) if closing >= 0 else -1
        return (Token("skip", name), stop + 1) if stop >= 0 else (None, at)
    return Token("open", name, match["attributes"]), end


def _find(source: str, end: str, at: int, absent: set[str]) -> int:
    """Where `end` stands, in either case; searched for once where it does not come."""
    if end in absent:
        return -1
    found = re.compile(re.escape(end), re.IGNORECASE).search(source, at)
    if found is None:
        absent.add(end)
        return -1
    return found.start()


def is_markup(pieces: list[Token]) -> bool:
    """Whether tags are meant as tags: an element is opened and closed, or stands alone, or is a comment or doctype.

    `Use <p> for paragraphs` names a tag; nothing is opened and closed in it.
    """
    opened: set[str] = set()
    for piece in pieces:
        if piece.kind == "skip" or (piece.kind == "open" and (piece.value in VOID or piece.attributes.strip())):
            return True
        if piece.kind == "open":
            opened.add(piece.value)
        elif piece.kind == "close" and piece.value in opened:
            return True
    return False


def to_text(source: str, *, keep_links: bool) -> Cleaned:
    """Markup to plain text; text without markup only has its character references read."""
    pieces = list(tokens(source))
    if not is_markup(pieces):
        text, entities = read_references(source)
        return Cleaned(text, 0, entities)
    return _Writer(keep_links).write(pieces)


def read_references(text: str) -> tuple[str, int]:
    """Text with its character references read, except in code spans; and how many there were."""
    found = 0

    def read(match: re.Match[str]) -> str:
        nonlocal found
        reference = match["reference"]
        if reference is None:
            return match[0]
        character = html.unescape(reference)
        found += character != reference
        return character

    return _CODE_OR_REFERENCE.sub(read, text), found


class _Writer:
    """Writes pieces as text: blocks as lines, list items with a mark, cells apart, links as asked."""

    def __init__(self, keep_links: bool) -> None:
        self.keep_links = keep_links
        self.out: list[str] = []
        self.breaks = 0  # line breaks owed before the next text
        self.space = False  # a space owed before the next text
        self.boxes = 0
        self.flow = self.pre = self.cells = False
        self.lists: list[int] = []  # next numbers of the open lists, 0 where they have none
        self.links: list[str] = []
        self.tags = self.entities = 0

    def write(self, pieces: list[Token]) -> Cleaned:
        for piece in pieces:
            if piece.kind == "text":
                text, entities = read_references(piece.value)
                self.entities += entities
                self.text(text)
                continue
            self.tags += 1
            if piece.kind == "open":
                self.open(piece.value, piece.attributes)
            elif piece.kind == "close":
                self.close(piece.value)
        return Cleaned("".join(self.out).strip("\n"), self.tags, self.entities)

    def text(self, text: str) -> None:
        """Text as it is outside blocks and in `pre`, with white space folded in blocks."""
        if self.pre:
            self.out.append(text)
            return
        if self.boxes or self.flow:
            text = _SPACES.sub(" ", text)
            self.space |= text.startswith(" ")
            if text.strip(" "):
                self.emit(text.strip(" "))
                self.space = text.endswith(" ")
        elif text.strip():
            self.emit(text)
        elif "\n" in text:
            self.breaks = max(self.breaks, text.count("\n"))
        else:
            self.space |= bool(text)

    def emit(self, text: str) -> None:
        """Put text after the breaks or the space owed; line ends that stand there already count."""
        if self.breaks and self.out:
            last = self.out[-1]
            there = len(last) - len(last.rstrip("\n")) + len(text) - len(text.lstrip("\n"))
            self.out.append("\n" * (self.breaks - there))
        elif self.space and self.out:
            self.out.append(" ")
        self.breaks, self.space = 0, False
        self.out.append(text)

    def block(self, name: str) -> None:
        self.breaks = max(self.breaks, 2 if name in PARAGRAPHS else 1 if name in LINES else 0)

    def open(self, name: str, attributes: str) -> None:
        nested = bool(self.lists) and name in ("ul", "ol")
        if name in PARAGRAPHS or name in FLOWS or name in LINES - {"br"}:
            self.flow = name in FLOWS
        self.boxes += name in BOXES
        if name == "br":
            self.breaks = min(self.breaks + 1, 2)
        elif nested:
            self.breaks = max(self.breaks, 1)
        elif name == "a":
            href = _HREF.search(attributes) if self.keep_links else None
            self.links.append(next((part for part in href.groups() if part), "") if href else "")
            if self.links[-1]:
                self.emit("[")
        else:
            self.block(name)
        if name in ("ul", "ol"):
            self.lists.append(int(name == "ol"))
        elif name == "li":
            number = self.lists[-1] if self.lists else 0
            self.emit("  " * (len(self.lists) - 1) + (f"{number}. " if number else "- "))
            if number:
                self.lists[-1] += 1
        elif name == "pre":
            self.emit("```\n")
            self.pre = True
        elif name == "tr":
            self.cells = False
        elif name in ("td", "th"):
            if self.cells:
                self.emit(" | ")
            self.cells = True

    def close(self, name: str) -> None:
        self.boxes = max(0, self.boxes - (name in BOXES))
        if name in FLOWS:
            self.flow = name in ("td", "th")
        if name == "pre" and self.pre:
            self.pre = False
            self.out.append("```" if self.out[-1].endswith("\n") else "\n```")
        if name in ("ul", "ol") and self.lists:
            self.lists.pop()
            self.breaks = max(self.breaks, 1 if self.lists else 2)
        elif name == "a":
            target = self.links.pop() if self.links else ""
            if target:
                self.out.append(f"]({html.unescape(target)})")
        elif name not in ("br", "li", "td", "th", "tr"):
            self.block(name)
