"""embed.text"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.calls import EmbedStep, errors
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.row import VECTOR, View
from tamis.core.step import Reasons


class Text(EmbedStep):
    """Turn a text of each row into a vector, so that later steps can tell which rows are alike.

    ## What it does
    Asks the recipe's embedding model (`models: embedder: local/default` needs no download) for the vectors of all texts that
    it has not seen yet, each distinct one once. Vectors are recorded under the model, its version and the text, and are
    never bought or computed twice: a hundredth more rows costs a hundredth. They stay in `.tamis/recorded/embeddings`; the
    row carries a key, which no delivery holds. A row without the text has no vector, and stays.

    ## Why
    Words differ where meaning does not. Rows can be grouped, mapped, compared and drawn by meaning only once each has a
    place among the others.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "Where is my card?"}, {"prompt": "Where is my card?"}]
    >>> result = run_step(Text(view="prompt"), rows, replies=lambda role, ask: "")
    >>> len(set(result.column("embed.text.~vector")))
    1
    >>> print(result.line)
    2 in = 2 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {}
    sets: ClassVar[tuple[str, ...]] = (VECTOR,)

    view: View = Field("prompt", alias="in", description="Which text of the row is embedded.")
    role: str = Field("embedder", description="Which of the recipe's models embeds.")

    def embeds(self) -> str:
        return self.view

    def judge(self, rows: Columns) -> Verdict:
        keys = self.keys(rows)
        verdict = change(**{VECTOR: keys})
        if self.failed == "keep" or not keys.null_count():
            return verdict
        return verdict.quarantine(errors(self.answers(rows)))
