"""map.alpaca"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons, RowStep


class Alpaca(RowStep):
    """Read instructions in Alpaca's shape: columns instruction, input and output.

    ## What it does
    Sets `messages`: instruction and input, joined by `join` where both say something, are the user's message,
    output is the assistant's. A system column and a history (JSON list of [question, answer]) come before them.
    Rows whose instruction or output is null are dropped, with `problem`.

    ## Why
    The three columns are the commonest shape of instruction data; most trainers join them with a line break.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"instruction": "Add.", "input": "1 and 2", "output": "3"}, {"instruction": "Add.", "output": None}]
    >>> result = run_step(Alpaca(input="input"), rows)
    >>> result.kept[0]["messages"][0]["content"]
    'Add.\\n1 and 2'
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (not_this_shape 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_this_shape": "the row's values are not of this shape; `problem` says why"}
    sets: ClassVar[tuple[str, ...]] = ("messages", "tools")

    instruction: str = Field("instruction", description="Column of the instruction.")
    output: str = Field("output", description="Column of the answer.")
    input: str | None = Field(None, description="Column of what the instruction is about.")
    system: str | None = Field(None, description="Column of a system message to put first.")
    history: str | None = Field(None, description="Column of earlier turns, a JSON list of [question, answer].")
    join: str = Field("\n", description="What stands between instruction and input.")

    def _fields(self) -> dict[str, str]:
        fields = {
            "instruction": self.instruction,
            "output": self.output,
            "input": self.input,
            "system": self.system,
            "history": self.history,
        }
        return {field: name for field, name in fields.items() if name}

    def reads(self) -> tuple[str, ...]:
        return tuple(self._fields().values())

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.shapes import verdict

        return verdict("alpaca", rows, self._fields(), join=self.join)
