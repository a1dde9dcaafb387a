"""map.threads"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, drop
from tamis.core.row import MESSAGES
from tamis.core.step import BirthStep, Reasons


class Threads(BirthStep):
    """Make rows of the paths of conversation trees, one tree a row.

    ## What it does
    A tree is a message with `role`, `text` and `replies`, nested, as Open Assistant publishes them. Each path from
    the first message to a last reply becomes a row of its own, cut where it ends on a question; `paths: best`
    follows the best-ranked replies only. With `pairs: true` rows are pairs instead: for each question the best-ranked
    reply against every worse one. Deleted replies are left out. The tree itself is merged into its rows; a tree
    without a complete path is dropped.

    ## Why
    Several answers to one question are several examples, and their ranks are preference data.

    ## Example
    >>> from tamis.testing import run_step
    >>> tree = '''{"role": "prompter", "text": "1+1?", "replies": [
    ...   {"role": "assistant", "text": "3", "rank": 1}, {"role": "assistant", "text": "2", "rank": 0}]}'''
    >>> result = run_step(Threads(column="tree"), [{"tree": tree}, {"tree": '{"role": "prompter", "text": "Hi"}'}])
    >>> [row["messages"][-1]["content"] for row in result.born]
    ['2', '3']
    >>> print(result.line)
    2 in + 2 born = 2 kept + 1 dropped + 1 merged (merged 1, no_thread 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "not_this_shape": "the value is no conversation tree; `problem` says why",
        "no_thread": "the tree has no path that ends on an answer, or, for pairs, no ranked replies to one question",
    }
    sets: ClassVar[tuple[str, ...]] = ("messages", "rejected", "producer")

    column: str = Field(
        "prompt",
        description="Column of the tree, as JSON. Where there is none, columns `role`, `text` and `replies` are it.",
    )
    paths: Literal["all", "best"] = Field("all", description="Every path, or the one along the best-ranked replies.")
    pairs: bool = Field(False, description="Make preference pairs of ranked replies instead of conversations.")

    @model_validator(mode="after")
    def _pairs_come_from_every_path(self) -> Self:
        if self.pairs and self.paths == "best":
            raise ValueError("`paths: best` keeps one reply to each question, so there would be no pairs")
        return self

    def reads(self) -> None:
        return None

    def bear(self, rows: Columns) -> tuple[pl.Series, pl.DataFrame, Verdict]:
        from tamis.engine.shape_chat import Misfit
        from tamis.engine.shape_trees import Thread, full, pairs, read_trees, threads, tree_of

        parents: list[int] = []
        born: list[Thread] = []
        counts: list[int] = []
        problems: list[str | None] = []
        for position, value in enumerate(read_trees(rows, self.column)):
            found: list[Thread] = []
            problem = None
            try:
                if isinstance(value, Misfit):
                    raise value
                root = tree_of(value, self.column)
                if root is not None:
                    found = pairs(root) if self.pairs else threads(root, self.paths)
            except Misfit as misfit:
                problem = str(misfit)
            born += found
            parents += [position] * len(found)
            counts.append(len(found))
            problems.append(problem)
        children = {
            "messages": pl.Series("messages", [full(thread.messages) for thread in born], dtype=MESSAGES),
            "producer": pl.Series("producer", [thread.producer for thread in born], dtype=pl.String),
        }
        if self.pairs:
            answers = [full(thread.rejected or []) for thread in born]
            children["rejected"] = pl.Series("rejected", answers, dtype=MESSAGES)
        wrong, count = pl.Series(problems, dtype=pl.String), pl.Series(counts, dtype=pl.Int32)
        verdict = drop("not_this_shape", when=wrong.is_not_null(), problem=wrong)
        verdict = verdict.drop("no_thread", when=count == 0, threads=count)
        return pl.Series(parents, dtype=pl.UInt32), pl.DataFrame(children), verdict
