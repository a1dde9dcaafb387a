"""filter.truncated"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep


class Truncated(RowStep):
    """Drop answers that were cut off before their end.

    ## What it does
    Weighs how one view ends. Signs by themselves are a code fence or a formula that is open at the end, the bare mark of a
    list item ("4."), a last word that others must follow ("and the"), a comma or colon, a bracket opened in the last line. A
    last line, or list item, that lacks its full stop is one only where the lines or items before it have theirs. Tables, titles,
    poems, lists without full stops, short answers, signatures, tags and addresses end in many ways and are kept; code outside
    fences is judged by its brackets alone, and by a last line that opens a block. An answer cut off just after a full stop is
    kept: nothing shows that. The score, 0..1, says how sure it is.

    ## Why
    Answers are cut at a token limit, and a model trained on them stops in the middle of sentences. Measured on complete
    answers cut at random places: `docs/figures/noise.md`.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": "Boil the water. Then add the tea, stir it well and wait for"}, {"response": "Paris"}]
    >>> result = run_step(Truncated(), rows)
    >>> result.evidence[0]["sign"]
    'cut_sentence'
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (cut_sentence 1)
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[str, ...]] = ("sign",)
    reasons: ClassVar[Reasons] = {
        "open_fence": "a code fence is open at the end",
        "open_formula": "a formula is open at the end",
        "bare_mark": "the text ends on the mark of a list item that is not there",
        "cut_sentence": "the last sentence does not end",
        "cut_item": "the last item of a list does not end, and the others do",
        "open_bracket": "a bracket is open in the last line, or a brace in the code",
        "open_block": "the last line of the code opens a block that is not there",
    }

    view: View = Field("response", alias="in", description="Which text of the row is looked at.")
    min_score: float = Field(0.5, gt=0, le=1, description="Least score that counts as cut off, 0..1.")

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.endings import find_cuts

        found = find_cuts(rows.buffers(self.view))
        verdict = Verdict().note(sign=found.sign, score=found.score)
        sure = found.score >= self.min_score
        for reason in self.reasons:
            verdict = verdict.drop(reason, when=sure & (found.sign == reason))
        return verdict
