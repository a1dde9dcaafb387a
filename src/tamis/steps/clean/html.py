"""clean.html"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from tamis.engine.rewrite import Rewriter, Rewritten

from ._base import Cleaning


class Html(Cleaning):
    """Turn HTML into the text a reader sees, and leave code and comparisons alone.

    ## What it does
    Tags go; paragraphs, headings, lists and rows of tables become lines; list items get their `-` or number;
    `pre` becomes fenced code; scripts, styles and comments are dropped; character references (`&amp;`) are
    read. Only the names of HTML elements count as tags, and only where one is opened and closed, stands alone
    by nature (`<br>`) or has attributes: `List<int>`, `a < b`, `<your name>` and "use `<p>` for paragraphs"
    stay. Fenced code and `code spans` stay as they are.

    ## Why
    A model trained on answers copied from web pages answers in tags.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": "<p>Fish &amp; chips:</p><ul><li>cod<li>peas</ul>"}, {"response": "if a < b and c > d"}]
    >>> result = run_step(Html(), rows)
    >>> [row[0]["content"] for row in result.column("messages")]
    ['Fish & chips:\\n\\n- cod\\n- peas', 'if a < b and c > d']
    >>> print(result.line)
    2 in = 2 kept
    """

    version: ClassVar[int] = 1
    figures: ClassVar[tuple[str, ...]] = ("tags", "entities")

    keep_links: bool = Field(
        False, description="Whether links keep their target, as `[text](target)`; else only their text stays."
    )

    def rewriter(self) -> Rewriter:
        from tamis.engine.markup import to_text
        from tamis.engine.rewrite import outside_code, rewritten_one_by_one, with_markup

        def one(text: str) -> tuple[str, tuple[int, int]]:
            tags = entities = 0

            def prose(part: str) -> str:
                nonlocal tags, entities
                done = to_text(part, keep_links=self.keep_links)
                tags, entities = tags + done.tags, entities + done.entities
                return done.text

            return outside_code(text, prose), (tags, entities)

        def clean(strings: pl.Series, selected: NDArray[np.bool_]) -> Rewritten:
            return rewritten_one_by_one(strings, with_markup(strings, selected), one, 2)

        return clean
