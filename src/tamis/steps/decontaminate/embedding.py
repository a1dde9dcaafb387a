"""decontaminate.embedding"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, field_validator

from tamis.core.columns import Columns, Table
from tamis.core.errors import UsageError
from tamis.core.outcome import Verdict, drop
from tamis.core.step import Reasons, TableStep
from tamis.engine.diverse import gathered, place_of

from ._shared import Sets

#: rows by which it is seen that they were embedded by the same model, and the cosine that shows it
LOOKS, SAME = 16, 0.999
SHOWN = 160


class Embedding(Sets, TableStep):
    """Drop rows that mean nearly the same as a test question.

    ## What it does
    Embeds the questions of the test sets in `against` with `model`, on this machine, and drops rows whose vector (of an `embed`
    step that used the same model) has a cosine of `threshold` or more to one. The evidence names the nearest item, its text
    and the cosine, from `floor` up also of rows that stay. Every pair is compared. Rows without a vector are kept.

    ## Why
    A rephrased test question shares no long n-gram with the original, and still teaches the answer. Vectors find some of
    these, and also questions that only concern the same thing: run `decontaminate.ngram` first, and look at what leaves here.

    ## Example
    >>> import tempfile
    >>> from pathlib import Path
    >>> from tamis.llm.local_embed import local_embedder
    >>> from tamis.testing import run_step
    >>> test = Path(tempfile.mkdtemp()) / "test.jsonl"
    >>> _ = test.write_text('{"question": "Which gas do plants take in from the air?"}')
    >>> said = pl.Series(["What gas do plants take in from air?", "Who wrote this song?"])
    >>> vectors = local_embedder("default").embed(said)[0].tolist()
    >>> rows = [{"prompt": p, "vector": v} for p, v in zip(said, vectors)]
    >>> print(run_step(Embedding(against=test, vectors="column:vector"), rows).line)
    2 in = 1 kept + 1 dropped (near_test_item 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"near_test_item": "the row means nearly the same as a test question"}

    vectors: str = Field(
        "embed.text", description="The id of the step that embedded the rows, or `column:NAME` for a column of vectors."
    )
    model: str = Field(
        "local/default",
        description="The model that embedded the rows: `local/default`, or `local/FOLDER` with ONNX weights.",
    )
    threshold: float = Field(0.9, gt=0, le=1, description="Cosine similarity from which on a row leaves, 0..1.")
    floor: float = Field(0.8, gt=0, le=1, description="Similarities from here up are told in the evidence.")

    @field_validator("model")
    @classmethod
    def _on_this_machine(cls, model: str) -> str:
        if not model.startswith("local/"):
            raise ValueError("test items are embedded on this machine: `local/default` or `local/FOLDER`")
        return model

    def place(self) -> str:
        """The column with the vectors or their keys, as a recipe names it."""
        return place_of(self.vectors)

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([self.place(), *TableStep.reads(self)]))  # type: ignore[misc]

    def gathers_by(self) -> tuple[str, ...]:
        return ("vectors", "view")

    def gather(self, rows: Columns) -> dict[str, pl.Series]:

        return {"vector": gathered(rows, self.vectors), "silent": rows.text(self.view).is_null()}

    def decide(self, table: Table) -> Verdict:
        from tamis.engine.quantised import quantise
        from tamis.engine.semantic import Points, nearest_to
        from tamis.engine.testsets import Named, read_items

        whole, valid = quantise(table.vectors("vector"))
        rows = np.flatnonzero(valid & ~table["silent"].to_numpy())
        items = [(f"{name}/{item.id}", item.question) for name, path in self.test_sets()
                 for item in read_items(path, Named(self.question))]  # fmt: skip
        names, questions = (pl.Series([item[k] for item in items], dtype=pl.String) for k in (0, 1))
        nearest, near = np.full(table.height, -1, np.int64), np.full(table.height, np.nan)
        if len(rows) and items:
            others, somewhere = quantise(self._embedded(questions))
            if others.shape[1] != whole.shape[1]:
                raise self._other_model(f"{whole.shape[1]} dimensions, those of {self.model} {others.shape[1]}")
            self._check(table, rows[:: max(1, len(rows) // LOOKS)][:LOOKS])
            which = np.flatnonzero(somewhere)
            found, near[rows] = nearest_to(Points(whole[rows]), Points(others[which]), min(self.floor, self.threshold))
            nearest[rows] = np.where(found < 0, -1, which[found]) if len(which) else -1
        at = pl.Series(nearest, dtype=pl.Int64)
        at = at.set(at < 0, None)
        leaves = pl.Series(np.nan_to_num(near, nan=-1.0) >= self.threshold)
        told = {"item": names.gather(at), "item_text": questions.str.slice(0, SHOWN).gather(at)}
        return drop("near_test_item", when=leaves, similarity=pl.Series(near, nan_to_null=True), **told)

    def _embedded(self, texts: pl.Series) -> NDArray[np.float32]:
        from tamis.llm.local_embed import local_embedder

        return local_embedder(self.model.removeprefix("local/")).embed(texts)[0]

    def _check(self, table: Table, rows: NDArray[np.int64]) -> None:
        """Vectors of two models can be multiplied, and mean nothing."""
        if self.vectors.startswith("column:"):
            return
        texts = table.fetch(rows, [f"view:{self.view}"]).to_series()
        known = table.vectors("vector")[rows].astype(np.float64)
        made = self._embedded(texts).astype(np.float64)
        lengths = np.sqrt((known * known).sum(axis=1) * (made * made).sum(axis=1))
        if ((known * made).sum(axis=1) < SAME * lengths).any():
            raise self._other_model(f"other values than {self.model} gives for the text `in: {self.view}`")

    def _other_model(self, found: str) -> UsageError:
        return UsageError(
            f"step {self.name!r}: the vectors of {self.vectors!r} have {found}",
            hint="name the model that embedded the rows as `model:`, and the text that was embedded as `in:`",
        )
