"""clean.unicode"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field

from tamis.engine.rewrite import Rewriter, outside_code

from ._base import Cleaning

Treatment = Literal["remove", "keep"]


class Unicode(Cleaning):
    """Repair mojibake, bring characters into one normal form, remove those that nobody can see.

    ## What it does
    - *Mojibake*: UTF-8 that was read in another encoding (`cafÃ©`, `donâ€™t`) is read anew, line by line.
      Curly quotes, ligatures, full-width letters and the like stay.
    - *Normal form*: NFC by default, so that `é` is the same bytes however it was typed.
    - *Control characters* go, with terminal colour codes, byte order marks and noncharacters. Tabs, newlines
      and carriage returns stay; vertical tabs, form feeds and NEL become newlines.
    - *Invisible characters* go where they do nothing: zero-width spaces and joiners, soft hyphens, bidi
      controls in text without right-to-left letters, tag characters and variation selectors that carry no
      emoji or glyph (both can smuggle whole hidden prompts). They stay where writing needs them: joiners in
      emoji, Persian and Indic words, flags, zero-width spaces between Thai, Lao, Khmer and Burmese words.
      Bidi overrides always go.

    Mojibake and normal form leave fenced code alone, where odd characters may be meant.

    ## Why
    The same word in two encodings is two words to a tokenizer and to deduplication, and hidden characters
    are a known way to poison a training set.

    ## Example
    >>> from tamis.testing import run_step
    >>> result = run_step(Unicode(), [{"response": "Itâ€™s a cafÃ©\\u200b."}, {"response": "It’s a café."}])
    >>> result.column("messages")[0][0]["content"], result.evidence[0]["fixed"]
    ('It’s a café.', 'mojibake,invisible')
    >>> print(result.line)
    2 in = 2 kept
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[str, ...]] = ("fixed",)
    libraries: ClassVar[tuple[str, ...]] = ("ftfy",)
    figures: ClassVar[tuple[str, ...]] = ("mojibake", "controls", "invisible", "normalized")

    fix_mojibake: bool = Field(True, description="Whether text that was read in the wrong encoding is repaired.")
    normalize: Literal["NFC", "NFKC", "none"] = Field(
        "NFC",
        description="Unicode normal form; NFKC also replaces full-width letters, ligatures, superscripts and the like.",
    )
    controls: Treatment = Field("remove", description="What becomes of control characters.")
    invisible: Treatment = Field("remove", description="What becomes of invisible characters that do nothing.")

    def identity(self) -> Any:
        return (self.version, unicodedata.unidata_version)

    def rewriter(self) -> Rewriter:
        from tamis.engine.tidy import repair

        return lambda strings, selected: repair(
            strings,
            selected,
            mojibake=_read_anew if self.fix_mojibake else None,
            normal=None if self.normalize == "none" else _normal(self.normalize),
            compatible=self.normalize == "NFKC",
            controls=self.controls == "remove",
            invisible=self.invisible == "remove",
        )

    def evidence(self, figures: dict[str, pl.Series]) -> dict[str, pl.Series]:
        """`fixed`: the kinds of repair, joined by commas; null where there was none."""
        names = self.figures
        labels = [",".join(n for k, n in enumerate(names) if code >> k & 1) or None for code in range(1 << len(names))]
        codes = np.zeros(len(figures[names[0]]), np.uint32)
        for k, name in enumerate(names):
            codes |= (figures[name].to_numpy() > 0).astype(np.uint32) << np.uint32(k)
        return {"fixed": pl.Series("fixed", labels, dtype=pl.String).gather(pl.Series(codes))}


def _read_anew(text: str) -> str:
    """Text with mojibake repaired outside fenced code."""
    import ftfy

    def mend(prose: str) -> str:
        return "\n".join(line if line.isascii() else ftfy.fix_encoding(line) for line in prose.split("\n"))

    return outside_code(text, mend)


def _normal(form: Literal["NFC", "NFKC"]) -> Callable[[str], str]:
    """Brings text outside fenced code into a normal form."""

    def normal(text: str) -> str:
        if unicodedata.is_normalized(form, text):
            return text
        return outside_code(text, lambda prose: unicodedata.normalize(form, prose))

    return normal
