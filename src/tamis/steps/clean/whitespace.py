"""clean.whitespace"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.engine.rewrite import Rewriter

from ._base import Cleaning


class Whitespace(Cleaning):
    """Put white space in order, and leave code as it is.

    ## What it does
    Line ends become `\\n`; white space at the end of lines and around the text goes; at most `blank_lines`
    empty lines stand together; runs of spaces inside a line become one; no-break, thin and other Unicode
    spaces become plain ones, and zero-width spaces go (except where Thai, Lao, Khmer or Burmese part words
    with them). Indentation, tabs between words, lines of tables (they begin with `|`), `code spans` and
    fenced code stay as they are; in fenced code only the line ends change.

    ## Why
    Copies that differ in white space alone escape exact deduplication, and a model learns the trailing
    spaces and blank runs of whatever tool exported its answers.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": "Two  words \\r\\n\\r\\n\\r\\n\\r\\nand   more"}, {"response": "tidy"}]
    >>> result = run_step(Whitespace(), rows)
    >>> result.column("messages")[0][0]["content"]
    'Two words\\n\\nand more'
    >>> print(result.line)
    2 in = 2 kept
    """

    version: ClassVar[int] = 1
    figures: ClassVar[tuple[str, ...]] = ("removed",)

    blank_lines: int = Field(1, ge=0, le=10, description="Most empty lines in a row that stay, in lines.")
    collapse: bool = Field(True, description="Whether runs of spaces inside a line become one space.")

    def rewriter(self) -> Rewriter:
        from tamis.engine.tidy import tidy

        return lambda strings, selected: tidy(strings, selected, blank_lines=self.blank_lines, collapse=self.collapse)
