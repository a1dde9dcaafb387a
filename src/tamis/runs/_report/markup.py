"""HTML from plain data: everything that comes from rows is escaped, isolated and has its invisible characters shown."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence

#: what nobody sees, or what turns the writing around: shown by its code. Joiners stay, writing needs them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_SPACES = str.maketrans({" ": "·", "\t": "⇥", "\n": "⏎\n", "\u00a0": "⍽"})


def esc(value: object) -> str:
    """Text for between tags and for attributes, invisible characters as their codes."""
    return html.escape(_HIDDEN.sub(lambda m: f"⟨{ord(m[0]):04X}⟩", str(value)), quote=True)


def text(value: str) -> str:
    """Text of a row: escaped, with a chip for each invisible character."""
    return _chips(value, lambda piece: html.escape(piece, quote=True))


def _chips(value: str, plain: object) -> str:
    assert callable(plain)
    found, last = [], 0
    for match in _HIDDEN.finditer(value):
        found.append(plain(value[last : match.start()]))
        code = f"U+{ord(match[0]):04X}"
        found.append(f'<span class="chip" title="{esc(_name(match[0]))}">{code}</span>')
        last = match.end()
    found.append(plain(value[last:]))
    return "".join(found)


def _name(character: str) -> str:
    return unicodedata.name(character, "control character").lower()


def isolated(value: str) -> str:
    """Text of a row that stands among ours: its direction stays its own."""
    return f'<bdi dir="auto">{text(value)}</bdi>'


def marked(value: str, words: Sequence[str]) -> str:
    """Text of a row with the words of the evidence marked; upper and lower case alike."""
    found = [word for word in words if word.lower() in value.lower()]
    if not found:
        return text(value)
    pattern = re.compile("|".join(map(_whole, found)), re.IGNORECASE)
    parts, last = [], 0
    for match in pattern.finditer(value):
        parts += [text(value[last : match.start()]), f"<mark>{text(match[0])}</mark>"]
        last = match.end()
    return "".join([*parts, text(value[last:])])


def _whole(word: str) -> str:
    """A pattern for a word that is not a part of another; long evidence may have been cut within a word."""
    end = r"(?!\w)" if word[-1:].isalnum() and len(word) < 20 else ""
    return (r"(?<!\w)" if word[:1].isalnum() else "") + re.escape(word) + end


def segments(pieces: Iterable[Sequence[str]]) -> str:
    """A text with its differences marked; in what was added or taken away, white space is visible."""
    found = []
    for kind, piece in pieces:
        if kind == "=":
            found.append(text(piece))
        else:
            tag = "del" if kind == "-" else "ins"
            blank = not piece.strip()
            inner = text(piece.translate(_SPACES)) if blank else _edges(piece)
            found.append(f"<{tag}{' class=ws' if blank else ''}>{inner}</{tag}>")
    return "".join(found)


def _edges(piece: str) -> str:
    """A changed piece with white space visible where it is more than one space between words."""
    return text(re.sub(r"^\s+|\s+$|\s{2,}|[\t\n\u00a0]", lambda m: m[0].translate(_SPACES), piece))


def number(value: float | int | None) -> str:
    """A number as people read it: thousands apart, few decimals."""
    if value is None:
        return "–"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    if abs(value) >= 10:
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"
    return f"{value:.3g}"


def count(value: int, word: str) -> str:
    """'1 row', '2,000 rows'."""
    return f"{value:,} {word}{'' if value == 1 else 's'}"


def percent(part: float, whole: float) -> str:
    """A share; small ones keep a digit, only nothing is 0 % and only all of it 100 %."""
    if not whole:
        return "–"
    share = 100 * part / whole
    if part == 0 or part == whole:
        return f"{share:.0f} %"
    if share < 0.1:
        return "< 0.1 %"
    if share > 99.9:
        return "> 99.9 %"
    return f"{share:.1f} %" if share < 9.95 or share > 99 else f"{share:.0f} %"


def size(value: int | None) -> str:
    """Bytes as people read them."""
    if value is None:
        return "–"
    if value < 1000:
        return f"{value:,} B"
    power = min(4, (len(str(value)) - 1) // 3)
    return f"{value / 1000**power:,.1f} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"


def seconds(value: float | None) -> str:
    """A time."""
    if value is None:
        return "–"
    if value < 60:
        return f"{value:.2f} s"
    minutes, rest = divmod(value, 60)
    return f"{int(minutes):,} min {rest:.0f} s"


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Sequence[int] = (),
    caption: str = "",
    first_is_head: bool = True,
) -> str:
    """A table of ready HTML cells; `right`: columns of numbers. Wide ones scroll by themselves."""

    def cell(tag: str, k: int, inner: str, more: str = "") -> str:
        return f"<{tag}{more}{' class=n' if k in right else ''}>{inner}</{tag}>"

    lines = []
    for row in rows:
        cells = [
            cell("th", k, v, ' scope="row"') if k == 0 and first_is_head else cell("td", k, v)
            for k, v in enumerate(row)
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    top = "".join(cell("th", k, v, ' scope="col"') for k, v in enumerate(head))
    title = f"<caption>{caption}</caption>" if caption else ""
    return f'<div class="scroll" tabindex="0"><table>{title}<thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
