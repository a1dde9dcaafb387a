"""HTML pages to sections: the content under each heading, without navigation, scripts and forms.

A small reader of our own: the standard library's reads differently from one patch release to the next. Nothing is
skipped that is not closed, so a forgotten `</nav>` costs no content.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from ._sections import Block, Headings, Section

_TAG = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[!?][^>]*+>"
    r"|<(?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:-]{0,40})(?P<rest>(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+)>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([\w:@.-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=<>`]+)))?")
_SPACES = re.compile(r"[ \t\r\n\f\u00a0]+")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: what holds no content of the page
_LEFT_OUT = _names(
    "script style template noscript nav footer aside form button select textarea svg math iframe object dialog"
    " menu canvas video audio"
)
_ROLES = _names("navigation banner contentinfo complementary search menu menubar dialog alertdialog toolbar")
#: elements whose content is text and no markup
_RAW = _names("script style textarea")
_BLOCKS = _names(
    "address article blockquote body center dd details div dl dt fieldset figcaption figure h1 h2 h3 h4 h5 h6 head"
    " header hr html li main ol p pre section summary table tbody tfoot thead tr ul title caption"
)
_VOID = _names("area base br col embed hr img input link meta source track wbr")


class Tag(NamedTuple):
    """One piece of markup. name: '' for comments and declarations."""

    start: int
    end: int
    name: str
    close: bool
    attributes: str


def tags(source: str) -> Iterator[Tag]:
    """The markup of a page; what stands in scripts and styles is none."""
    at = 0
    while (match := _TAG.search(source, at)) is not None:
        name = (match["name"] or "").lower()
        yield Tag(match.start(), match.end(), name, bool(match["close"]), match["rest"] or "")
        at = match.end()
        if name in _RAW and not match["close"]:
            closing = re.compile(f"</{name}", re.IGNORECASE).search(source, at)
            at = closing.start() if closing else at


def sections(source: str) -> tuple[str, list[Section]]:
    """The page's title ('' where it has none), and its sections with offsets into `source`."""
    found = list(tags(source))
    closings = _closings(found)
    title = ""
    for index, tag in enumerate(found):
        if tag.name == "title" and not tag.close and index in closings:
            title = _said(source[tag.end : found[closings[index]].start])
            break
    reader = _Reader(source)
    for first, last in _content(found, closings):
        reader.read(found, first, last, closings)
    return title, reader.finish()


def _closings(found: list[Tag]) -> dict[int, int]:
    """Where each element that is closed ends: the index of its start tag → of its end tag."""
    open_: dict[str, list[int]] = {}
    pairs: dict[int, int] = {}
    for index, tag in enumerate(found):
        if not tag.name or tag.name in _VOID:
            continue
        if not tag.close:
            open_.setdefault(tag.name, []).append(index)
        elif open_.get(tag.name):
            pairs[open_[tag.name].pop()] = index
    return pairs


def _content(found: list[Tag], closings: dict[int, int]) -> list[tuple[int, int]]:
    """The runs of tags that hold the page's content: what is in `main`, else in the outermost articles, else all."""
    for wanted in (("main", "main"), ("article", "article")):
        runs: list[tuple[int, int]] = []
        for index, tag in enumerate(found):
            is_it = tag.name == wanted[0] or _attributes(tag).get("role") == wanted[1]
            if is_it and not tag.close and index in closings and (not runs or index > runs[-1][1]):
                runs.append((index, closings[index]))
        if runs:
            return runs
    return [(-1, len(found))]


def _attributes(tag: Tag) -> dict[str, str]:
    if not tag.attributes.strip(" /"):
        return {}
    return {m[1].lower(): (m[2] or m[3] or m[4] or "").lower() for m in _ATTRIBUTE.finditer(tag.attributes)}


def _left_out(tag: Tag, whole: str) -> bool:
    """Whether an element holds no content of the page. whole: what stands in it."""
    if tag.name in _LEFT_OUT or tag.name in ("head", "title"):
        return True
    if tag.name == "header":
        return re.search("<h[1-3][ >]", whole, re.IGNORECASE) is None
    told = _attributes(tag)
    return told.get("role") in _ROLES or told.get("aria-hidden") == "true" or "hidden" in told


class _Reader:
    """Text between the tags, in blocks under headings."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.headings = Headings()
        self.sections: list[Section] = []
        self._blocks: list[Block] = []
        self._pieces: list[str] = []
        self._start = self._end = -1
        self._pre = 0

    def read(self, found: list[Tag], first: int, last: int, closings: dict[int, int]) -> None:
        index = first + 1
        at = found[first].end if first >= 0 else 0
        while index < last:
            tag = found[index]
            self._text(at, tag.start)
            at = tag.end
            end = closings.get(index)
            if end is not None and _left_out(tag, self.source[tag.end : found[end].start]):
                index, at = end, found[end].end
            elif end is not None and re.fullmatch("h[1-6]", tag.name):
                self._heading(int(tag.name[1]), self.source[tag.end : found[end].start])
                index, at = end, found[end].end
            else:
                self._markup(tag)
            index += 1
        self._text(at, found[last].start if last < len(found) else len(self.source))
        self._close()

    def _markup(self, tag: Tag) -> None:
        if tag.name == "pre":
            self._close()
            self._pre = max(0, self._pre + (-1 if tag.close else 1))
        elif tag.name == "br":
            self._pieces.append("\n")
        elif tag.name in ("td", "th") and tag.close:
            self._pieces.append("\t")
        elif tag.name in ("li", "tr", "dt", "dd") and not tag.close:
            self._pieces.append("\n- " if tag.name == "li" else "\n")
        elif tag.name in ("ul", "ol", "table", "dl") or (tag.name in _BLOCKS and not self._inside(tag)):
            self._close()

    def _inside(self, tag: Tag) -> bool:
        """Whether it is one line of a list or of a table, which stay together."""
        return tag.name in ("li", "tr", "dt", "dd", "tbody", "thead", "tfoot", "caption")

    def _text(self, start: int, end: int) -> None:
        raw = self.source[start:end]
        if not raw.strip():
            if raw and self._pieces:
                self._pieces.append(raw if self._pre else " ")
            return
        self._start = start + len(raw) - len(raw.lstrip()) if self._start < 0 else self._start
        self._end = start + len(raw.rstrip())
        said = html.unescape(raw)
        self._pieces.append(said if self._pre else _SPACES.sub(" ", said))

    def _close(self) -> None:
        joined = "".join(self._pieces)
        if not self._pre:
            joined = re.sub(r" ?\t ?", " | ", joined.replace("\t\n", "\n").rstrip("\t "))
            joined = "\n".join(line.strip() for line in joined.split("\n"))
            joined = re.sub(r"^-$\n?", "", re.sub(r"\n{2,}", "\n", joined), flags=re.MULTILINE).strip()
        if self._start >= 0 and joined.strip():
            self._blocks.append(Block(joined.strip("\n"), self._start, self._end))
        self._pieces, self._start, self._end = [], -1, -1

    def _heading(self, level: int, inner: str) -> None:
        self._close()
        self._end_section()
        self.headings.add(level, _said(inner))

    def _end_section(self) -> None:
        if self._blocks:
            self.sections.append(Section(self.headings.path(), self._blocks))
        self._blocks = []

    def finish(self) -> list[Section]:
        self._close()
        self._end_section()
        return self.sections


def _said(inner: str) -> str:
    """The text of a piece of markup, on one line."""
    return " ".join(html.unescape(_TAG.sub("", inner)).split())
