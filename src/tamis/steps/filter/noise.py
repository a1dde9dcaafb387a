"""filter.noise"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep


class Noise(RowStep):
    """Drop rows in which someone only hit keys, or typed something to get past a field.

    ## What it does
    Looks at one view, or at a column (`in: column:NAME`), for keyboard mash (`asdf`, `sdfkjh`), one unit over and over
    (`aaaaaa`, `asdasd`), stand-ins (`test`, `foo bar`, "lorem ipsum", "this is a test"), single characters, and numbers or
    signs where words belong (`123123`, `???`). A row leaves where such parts make at least `min_share` of the letters and
    digits, so that "What does asdf mean?" stays. `as` says what the field holds, for the rules differ: `John Doe` is a
    stand-in for a name and `xxx` for a company; `4711`, `3M` and `AAA` are companies, "Tester" is a profession, and "2+2" and
    "haha" are things that people say. Short real values (Ng, Xu, IBM, HR), abbreviations and letters other than a to z are
    kept. Looked at are the first 400 characters, and only texts whose first 64 bytes look like noise.

    ## Why
    Settings that people fill in because they must end up in prompts, and a model that sees them learns to write
    "Dear asdf". How well noise is found, and what is dropped wrongly: `docs/figures/noise.md`.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"name": "asdf asdf"}, {"name": "Ng"}, {"name": "Krzysztof"}, {"name": "Max Mustermann"}]
    >>> result = run_step(Noise(**{"in": "column:name", "as": "name"}), rows)
    >>> result.evidence[0]["noise"]
    'asdf asdf'
    >>> print(result.line)
    4 in = 2 kept + 2 dropped (placeholder 2)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "keyboard_mash": "keys were hit at random or in the order of the keyboard",
        "repeated_unit": "one letter, group of letters or word stands there over and over",
        "placeholder": "the text only holds the place of one, or tests a field",
        "single_character": "a single character says nothing here",
        "no_words": "there are only numbers or signs where words belong",
    }

    view: View = Field("prompt", alias="in", description="Which text of the row is looked at.")
    kind: Literal["text", "name", "profession", "company"] = Field(
        "text", alias="as", description="What the text is: running text, or a field of a person's settings."
    )
    min_share: float = Field(
        0.6, gt=0, le=1, description="Least share of the letters and digits in noise that counts, 0..1."
    )

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.noise import find_noise

        found = find_noise(rows.buffers(self.view), self.kind)
        verdict = Verdict().note(noise=found.phrase, share=found.share)
        enough = found.share >= self.min_share
        for reason in self.reasons:
            verdict = verdict.drop(reason, when=enough & (found.reason == reason))
        return verdict
