"""map.tree"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from tamis.core.columns import Columns, Table
from tamis.core.outcome import Verdict
from tamis.core.row import MESSAGES
from tamis.core.step import Reasons, TableStep

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
_REASONS = ("not_this_shape", "deleted", "repeated_id", "no_parent", "worse_reply")


class Tree(TableStep):
    """Make conversations of single messages that name their parents, one message a row.

    ## What it does
    Messages with an id, their parent's id, a role and a text form trees, as Open Assistant publishes them in a flat
    table. Each path from a first message to a last answer becomes one conversation: the row of that answer holds it,
    and the rows before it are merged into the first conversation they are part of. What nothing answers is dropped,
    and so is what hangs on a message that is not there. `paths: best` follows the best-ranked replies only.
    The conversations are put together in memory.

    ## Why
    Logs and forums store messages, not conversations. Where a row holds a whole tree, use `map.threads`.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"message_id": "1", "parent_id": None, "role": "prompter", "text": "1+1?"},
    ...         {"message_id": "2", "parent_id": "1", "role": "assistant", "text": "2"},
    ...         {"message_id": "3", "parent_id": "2", "role": "prompter", "text": "And 2+2?"}]
    >>> result = run_step(Tree(), rows)
    >>> [message["content"] for message in result.rows[1]["messages"]]
    ['1+1?', '2']
    >>> print(result.line)
    3 in = 1 kept + 1 dropped + 1 merged (part_of 1, unanswered 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "not_this_shape": "the message has no id, no text, or a role that is none of user, assistant, system",
        "deleted": "the message was deleted",
        "repeated_id": "an earlier message has the same id",
        "no_parent": "the message hangs on one that is not there, or that left",
        "worse_reply": "another reply to the same message is ranked better",
        "unanswered": "no answer follows the message",
        "part_of": "the message is part of the conversation it is merged into",
    }
    sets: ClassVar[tuple[str, ...]] = ("messages", "producer")

    message: str = Field("message_id", description="Column of the message's id.")
    parent: str = Field("parent_id", description="Column of the parent's id; empty for a first message.")
    role: str = Field("role", description="Column of the role.")
    text: str = Field("text", description="Column of the text.")
    deleted: str | None = Field(None, description="Column that is true for messages that were deleted.")
    producer: str | None = Field(None, description="Column of the model that wrote an answer.")
    rank: str | None = Field(None, description="For `paths: best`: column of the rank among replies, least is best.")
    paths: Literal["all", "best"] = Field("all", description="Every path, or the one along the best-ranked replies.")

    def reads(self) -> tuple[str, ...]:
        names = (self.message, self.parent, self.role, self.text, self.deleted, self.producer, self.rank)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        from tamis.engine.hashing import keys
        from tamis.engine.message_table import DELETED, SHAPE, role_of

        gathered: dict[str, pl.Series] = {}
        for name, column in (("own", self.message), ("above", self.parent)):
            found = keys([rows.buffers(f"column:{column}")], ())
            parts = zip(("high", "low", "valid"), found, strict=True)
            gathered |= {f"{name}.{part}": pl.Series(values) for part, values in parts}
        role = role_of(rows[self.role])
        problem = np.zeros(rows.height, np.uint8)
        if self.deleted is not None:
            problem[rows[self.deleted].cast(pl.Boolean, strict=False).fill_null(False).to_numpy()] = DELETED
        misfit = role.is_null() | rows[self.text].is_null() | ~gathered["own.valid"]
        problem[misfit.to_numpy()] = SHAPE
        gathered |= {"answer": (role == "assistant").fill_null(False), "problem": pl.Series(problem)}
        if self.rank is not None:
            gathered["rank"] = rows[self.rank].cast(pl.Float64, strict=False)
        return gathered

    def decide(self, table: Table) -> Verdict:
        from tamis.engine.hashing import Keys
        from tamis.engine.message_table import forest

        own, above = (
            Keys(*(table[f"{name}.{part}"].to_numpy() for part in ("high", "low", "valid")))
            for name in ("own", "above")
        )
        rank = table["rank"] if self.paths == "best" and self.rank is not None else None
        trees = forest(own, above, table["answer"].to_numpy(), table["problem"].to_numpy(), rank)
        verdict = Verdict()
        for number, slug in enumerate(_REASONS, 1):
            verdict = verdict.drop(slug, when=pl.Series(trees.problem == number))
        none = (trees.into < 0) & (trees.problem == 0)
        into = pl.Series(np.where(trees.end | (trees.problem > 0), -1, trees.into))
        verdict = verdict.drop("unanswered", when=pl.Series(none)).merge("part_of", into=into.set(into < 0, None))
        return self._conversations(table, trees.parent, trees.end, verdict)

    def _conversations(self, table: Table, parent: Rows, end: Mask, verdict: Verdict) -> Verdict:
        from tamis.engine.message_table import path, role_of
        from tamis.engine.shape_trees import full

        rows = np.flatnonzero(end)
        paths = [path(parent, int(row)) for row in rows]
        used = np.unique(np.concatenate([np.array(one) for one in paths])) if paths else np.empty(0, np.int64)
        told = table.fetch(used, list(dict.fromkeys(c for c in (self.role, self.text, self.producer) if c)))
        roles, texts = role_of(told[self.role]).to_list(), told[self.text].cast(pl.String).to_list()
        at = {int(row): k for k, row in enumerate(used)}
        talks = [full([{"role": roles[at[r]], "content": texts[at[r]]} for r in one]) for one in paths]
        place = pl.Series(np.where(end, np.cumsum(end) - 1, len(rows)), dtype=pl.UInt32)  # the last value is null
        changes = {"messages": pl.Series("messages", [*talks, None], dtype=MESSAGES).gather(place)}
        if self.producer is not None:
            wrote = told[self.producer].cast(pl.String).to_list()
            names = [wrote[at[int(row)]] for row in rows]
            changes["producer"] = pl.Series("producer", [*names, None], dtype=pl.String).gather(place)
        return verdict.change(**changes).only(pl.Series(end))
