"""filter.newsletter"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep


class Newsletter(RowStep):
    """Drop newsletters, advertising and other mails that went to thousands.

    ## What it does
    Weighs, in one view, the kinds of boilerplate that such mails have: how to leave the list, how to see the mail in a
    browser, why one gets it, rights, policies, preferences, offers, tracking links (in fifteen languages, each kind once),
    and how much of it is links. The sum, 0..1, is the score. An ordinary mail with a link and a signature scores nothing, and
    one that is shorter than 120 bytes or quotes the mail it answers is taken for personal (0.3 off). The evidence holds the
    score, the kinds found, and the number of links of every mail.

    ## Why
    They are the larger part of many mail boxes and the smaller part of what people write, and a model that learns to write
    mails from them learns footers. How well they are found: `docs/figures/noise.md`.

    ## Example
    >>> from tamis.testing import run_step
    >>> advert = "Save up to 50%! Shop now.\\n\\nYou received this email because you signed up. Unsubscribe | Privacy policy"
    >>> rows = [{"prompt": advert + " https://shop.example/u?id=1"}, {"prompt": "Hi Ann, the plan is at https://x.example/p. Bob"}]
    >>> result = run_step(Newsletter(), rows)
    >>> result.evidence[0]["signs"]
    'leave why policy offer'
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (newsletter 1)
    """

    version: ClassVar[int] = 2
    codes: ClassVar[tuple[str, ...]] = ("signs",)
    reasons: ClassVar[Reasons] = {"newsletter": "the mail has the boilerplate or the links of one that went to many"}

    view: View = Field("prompt", alias="in", description="Which text of the row is looked at.")
    min_score: float = Field(0.5, gt=0, le=1, description="Least score that counts as a newsletter, 0..1.")

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.newsletter import find_newsletters

        found = find_newsletters(rows.buffers(self.view))
        return Verdict().drop("newsletter", when=found.score >= self.min_score, **found._asdict())
