"""filter.roles"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons, RowStep


class Roles(RowStep):
    """Drop conversations whose turns are out of order, empty or echoes.

    ## What it does
    Looks at the messages in order, and drops a row for the first thing wrong: a role other than system, user, assistant
    and tool; a system message that is not the first; a conversation that the user does not begin; the same role twice
    in a row; a tool's message without a call, or a call without one; the wrong last turn; a turn without a visible
    character (tool calls may have none, and tools may return nothing); an answer that is the question (case and white
    space aside). Rows without messages (documents) are kept.

    ## Why
    Chat templates refuse such rows, or, worse, render them into something nobody meant.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "Hello?", "response": "Hello!"}, {"prompt": "Hello?", "response": " hello?"}, {"prompt": "Hello?"}]
    >>> print(run_step(Roles(), rows).line)
    3 in = 1 kept + 2 dropped (echo 1, wrong_last 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "unknown_role": "a message's role is none of system, user, assistant and tool",
        "system_late": "a system message is not the first message",
        "not_user_first": "the conversation does not begin with the user",
        "same_role_twice": "two messages of the same role follow each other",
        "stray_tool": "a tool's message answers no call",
        "unanswered_call": "a tool call is not answered before the next turn",
        "wrong_last": "the last message is not `last`'s",
        "empty_turn": "a message has no visible character",
        "echo": "the answer says what the question says",
    }

    column: Literal["messages", "rejected"] = Field(
        "messages", alias="in", description="Which conversation is looked at."
    )
    last: Literal["assistant", "user", "any"] = Field("assistant", description="Whose the last message must be.")

    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.patterns import check_turns

        found = check_turns(rows, self.column, last=self.last)
        verdict = Verdict().note(message=found.message)
        for slug in self.reasons:
            verdict = verdict.drop(slug, when=(found.problem == slug).fill_null(False))
        return verdict
