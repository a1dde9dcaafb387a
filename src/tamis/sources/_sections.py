"""Documents to sections: what stands under each heading, and where. Offsets are code points of the file's text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Block(NamedTuple):
    """A paragraph, a code block, a list: what is not cut while a section has other places to be cut at."""

    text: str
    start: int
    end: int


class Section(NamedTuple):
    """What stands under one heading. headings: from the outermost to its own."""

    headings: tuple[str, ...]
    blocks: list[Block]


class Row(NamedTuple):
    """One section, or a piece of a long one; `text` is what its blocks say, `start`, `end` where they stand."""

    headings: tuple[str, ...]
    text: str
    start: int
    end: int


class Headings:
    """The headings above a place. A heading ends all of its level and deeper."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    def add(self, level: int, text: str) -> None:
        self._open = [*(one for one in self._open if one[0] < level), (level, text)]

    def path(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._open if text)


# -- Markdown -----------------------------------------------------------------------------------

_FRONT = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(?P<title>\S.*)$", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})(?P<info>[^\n]*)")
_ATX = re.compile(r" {0,3}(?P<marks>#{1,6})(?:[ \t]+(?P<text>.*?))?(?:[ \t]+#+)?[ \t]*\n?\Z")
_UNDERLINE = re.compile(r" {0,3}(?P<mark>=+|-+)[ \t]*\n?\Z")
_NO_HEADING = re.compile(r" {0,3}(?:[-*+>|]|\d{1,9}[.)][ \t]|#{1,6}[ \t])")


def markdown(text: str) -> tuple[str, list[Section]]:
    """The title that the front matter gives ('' where it gives none), and the sections."""
    front = _FRONT.match(text)
    begin = front.end() if front else 0
    found = _FRONT_TITLE.search(front["yaml"]) if front else None
    title = found["title"].strip().strip("\"'") if found else ""
    return title, list(_markdown(text, begin))


def _markdown(text: str, begin: int) -> Iterator[Section]:
    headings, blocks = Headings(), _Blocks(text)
    fence = ""
    for start, line in _lines(text, begin):
        if fence:
            blocks.line(start, line)
            closing = _FENCE.match(line)
            if closing and closing["mark"].startswith(fence) and not closing["info"].strip():
                fence = ""
            continue
        opening = _FENCE.match(line)
        if opening and not (opening["mark"][0] == "`" and "`" in opening["info"]):
            fence = opening["mark"]
            blocks.line(start, line)
            continue
        atx = _ATX.match(line)
        under = None if atx else _UNDERLINE.match(line)
        if atx:
            yield Section(headings.path(), blocks.take())
            headings.add(len(atx["marks"]), _inline(atx["text"] or ""))
        elif under and blocks.paragraph and not _NO_HEADING.match(blocks.paragraph):
            told = _inline(blocks.drop())
            yield Section(headings.path(), blocks.take())
            headings.add(1 if under["mark"][0] == "=" else 2, told)
        else:
            blocks.line(start, line)
    yield Section(headings.path(), blocks.take())


def _inline(text: str) -> str:
    """A heading without Markdown's marks: links, emphasis, code, anchors."""
    text = re.sub(r"<[^<>]{1,200}>", "", text)
    text = re.sub(r"!?\[([^\[\]]{0,300})\]\([^()]{0,500}\)", r"\1", text)
    text = re.sub(r"\{#[^{}]{1,100}\}\s*\Z", "", text)
    return " ".join(re.sub(r"[`*]|(?<!\w)_+|_+(?!\w)", "", text).split())


# -- plain text ---------------------------------------------------------------------------------

_GUTENBERG = re.compile(r"^\*{3} ?(?P<which>START|END) OF (?:THE|THIS) PROJECT GUTENBERG.*$", re.MULTILINE)
_COUNT = (
    r"(?:\d{1,4}|[ivxlcdm]{1,8}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:the )?\w{1,12}th)"
)
_PART = re.compile(rf"(?:part|book|volume|act)\s+{_COUNT}\b", re.IGNORECASE)
_CHAPTER = re.compile(
    rf"(?:(?:chapter|kapitel|chapitre|cap[ií]tulo|section|appendix|letter|scene)\s+(?:{_COUNT}|[A-Z])\b"
    r"|(?:prologue|epilogue|preface|foreword|introduction|contents|conclusion|appendix)\s*\Z)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(?P<number>\d{1,3}(?:\.\d{1,3}){0,4})\.?[ \t]+[^\W\d_].{0,80}\Z")
_LONGEST_HEADING = 90


def plain(text: str) -> tuple[list[Section], int]:
    """The sections, and how many characters of Project Gutenberg's notice around a book were left out."""
    marks = {match["which"]: match for match in _GUTENBERG.finditer(text)}
    start, end = marks.get("START"), marks.get("END")
    begin, stop = (start.end(), end.start()) if start and end and start.end() < end.start() else (0, len(text))
    left_out = len(text) - (stop - begin)
    headings, blocks = Headings(), _Blocks(text)
    sections = []
    for block in _paragraphs(text, begin, stop):
        level = _level(block.text)
        if level:
            sections.append(Section(headings.path(), blocks.take()))
            headings.add(level, " ".join(block.text.split()))
        else:
            blocks.block(block)
    return [*sections, Section(headings.path(), blocks.take())], left_out


def _level(text: str) -> int:
    """How deep a paragraph stands as a heading; 0 where it is none."""
    line = " ".join(text.split())
    if len(line) > _LONGEST_HEADING or text.strip().count("\n") > 1:
        return 0
    if _PART.match(line):
        return 1
    if _CHAPTER.match(line):
        return 2
    if not (line[:1].isalnum() and (line[-1:].isalnum() or line[-1:] in ")”\"’'")):
        return 0
    numbered = _NUMBERED.fullmatch(line)
    if numbered and "\n" not in text.strip():
        return 2 + numbered["number"].count(".")
    letters = [c for c in line if c.isalpha()]
    if len(letters) >= 4 and line.upper() == line and line.lower() != line:
        return 1
    return 0


def _paragraphs(text: str, begin: int, stop: int) -> Iterator[Block]:
    blocks = _Blocks(text)
    for start, line in _lines(text, begin, stop):
        blocks.line(start, line)
    yield from blocks.take()


# -- what both share ----------------------------------------------------------------------------


def _lines(text: str, begin: int, stop: int | None = None) -> Iterator[tuple[int, str]]:
    """(where it starts, the line with its end). Lines end with LF or CR LF."""
    stop = len(text) if stop is None else stop
    while begin < stop:
        end = text.find("\n", begin, stop) + 1 or stop
        yield begin, text[begin:end].replace("\r\n", "\n")
        begin = end


class _Blocks:
    """Lines to blocks: blank lines part them, but not inside of a fence, which comes as lines that follow another."""

    def __init__(self, text: str) -> None:
        self._text, self._blocks = text, list[Block]()
        self._start = self._end = -1
        self._fence = ""

    @property
    def paragraph(self) -> str:
        """The text of the block that is not ended yet."""
        return self._text[self._start : self._end] if self._start >= 0 else ""

    def line(self, start: int, line: str) -> None:
        fence = _FENCE.match(line)
        if fence and not self._fence:
            self._fence = fence["mark"]
        elif fence and fence["mark"].startswith(self._fence) and not fence["info"].strip():
            self._fence = ""
        if not line.strip() and not self._fence:
            self._close()
        elif line.strip():
            self._start = start if self._start < 0 else self._start
            self._end = start + len(line.rstrip())

    def block(self, block: Block) -> None:
        self._blocks.append(block)

    def _close(self) -> None:
        if self._start >= 0:
            self._blocks.append(Block(self.paragraph, self._start, self._end))
        self._start = self._end = -1

    def drop(self) -> str:
        """The block that is not ended yet, which turns out to be a heading."""
        told, self._start, self._end = self.paragraph, -1, -1
        return told

    def take(self) -> list[Block]:
        self._close()
        self._fence = ""
        taken, self._blocks = self._blocks, []
        return taken


def rows(sections: Iterable[Section], longest: int, source: str | None) -> Iterator[Row]:
    """One row a section; long ones in pieces of whole blocks, up to `longest` characters.

    source: the text the blocks are cut from, so that a row is its slice; None where they were made from markup.
    """
    for section in sections:
        piece: list[Block] = []
        size = 0
        for block in _cut(section.blocks, longest, exact=source is not None):
            grown = block.end - piece[0].start if piece and source is not None else size + 2 + len(block.text)
            if piece and grown > longest:
                yield _row(section.headings, piece, source)
                piece, grown = [], len(block.text)
            size = grown if piece else len(block.text)
            piece.append(block)
        if piece:
            yield _row(section.headings, piece, source)


def _row(headings: tuple[str, ...], piece: list[Block], source: str | None) -> Row:
    start, end = piece[0].start, max(block.end for block in piece)
    text = source[start:end] if source is not None else "\n\n".join(block.text for block in piece)
    return Row(headings, text, start, end)


_STOPS = (re.compile(r"[.!?…。！？]['\"”’)\]]*\s+"), re.compile(r"\n"), re.compile(r"\s+"))


def _cut(blocks: Iterable[Block], longest: int, *, exact: bool) -> Iterator[Block]:
    """Blocks that are too long by themselves, cut at the end of a sentence, a line or a word, or anywhere."""
    for block in blocks:
        at = 0
        while len(block.text) - at > longest:
            window = block.text[at : at + longest]
            ends = (max((m.end() for m in stop.finditer(window)), default=0) for stop in _STOPS)
            cut = at + (next((end for end in ends if end > longest // 2), 0) or longest)
            yield _part(block, at, cut, exact)
            at = cut
        yield _part(block, at, len(block.text), exact)


def _part(block: Block, start: int, end: int, exact: bool) -> Block:
    if start == 0 and end == len(block.text):
        return block
    if not exact:
        return Block(block.text[start:end].strip(), block.start, block.end)
    text = block.text[start:end].rstrip()
    return Block(text, block.start + start, block.start + start + len(text))
