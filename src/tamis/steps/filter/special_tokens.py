"""filter.special_tokens"""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep


class SpecialTokens(RowStep):
    """Drop rows, or mend them, into which control tokens of chat templates and tokenizers leaked.

    ## What it does
    Looks in every message for three families of tokens. `chat`: `<|im_start|>`, `<|eot_id|>`, `[INST]`, `<<SYS>>`, `</s>`,
    `<start_of_turn>`, `<unk>` and the like, of ChatML, Llama, Mistral, Gemma, DeepSeek, Phi, Command R, GLM and others.
    `turns`, in answers: headings such as `### Response:`, a leading `Assistant:`, an answer that goes on with the user's
    next turn. `bytes`: the marks of tokenizers for spaces and bytes (`Ġ`, `▁`, `<0x0A>`). With `action: cut` they are
    taken out instead, and an answer that runs on ends where the user would speak; a row of which an answer is then empty
    leaves. Tokens in code, backticks or quotation marks, and those the text calls tokens, are what the text is *about*:
    they stay, unless `mentions` counts them. HTML's `<s>struck</s>`, the Maltese Ġ and bar charts are no tokens.

    ## Why
    A token inside a text is read by the trainer as the real one: the turn ends in the middle of the answer.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": "Yes.<|im_end|>"}, {"response": "ChatML ends a turn with `<|im_end|>`."}]
    >>> result = run_step(SpecialTokens(), rows)
    >>> result.evidence[0]["token"]
    '<|im_end|>'
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (leaked_token 1)
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[str, ...]] = ("kind",)
    sets: ClassVar[tuple[str, ...]] = ("messages", "rejected", "text")
    reasons: ClassVar[Reasons] = {
        "leaked_token": "a control token of a chat template or tokenizer stands in the text",
        "nothing_left": "nothing but leaked tokens was in the text",
    }

    view: View = Field("all", alias="in", description="Which text of the row is looked at.")
    kinds: tuple[Literal["chat", "turns", "bytes"], ...] = Field(
        ("chat", "turns", "bytes"), min_length=1, description="Families of tokens looked for."
    )
    action: Literal["drop", "cut"] = Field(
        "drop", description="Whether the row leaves, or the tokens are cut out of it."
    )
    mentions: Literal["keep", "count"] = Field(
        "keep",
        description="Whether tokens in code and quotation marks, and those called tokens, are kept or count too.",
    )

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.special_tokens import cut_leaks, find_leaks

        leaks = find_leaks(rows, self.view, self.kinds, mentions=self.mentions == "count")
        evidence = leaks._asdict()
        leaked = leaks.tokens > 0
        if self.action == "drop":
            return drop("leaked_token", when=leaked, **evidence)
        cut = cut_leaks(rows, self.view, self.kinds, mentions=self.mentions == "count", leaked=leaked)
        verdict = drop("nothing_left", when=cut.empty, **evidence).change(**cut.changes)
        return verdict.only(pl.Series(cut.changed))
