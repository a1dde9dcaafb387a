"""score.complexity"""

from __future__ import annotations

from typing import ClassVar

from ._turns import TurnScores


class Complexity(TurnScores):
    """Add how complex each request is, 1..6, as DEITA scores it.

    ## What it does
    For every user turn a model is asked for a number from 1 to 6, and the score is the expected value over the
    probabilities of these six tokens, not the number it says: 3.4 and 3.6 differ. `<id>.turns` holds the turns' scores,
    `<id>.mean` and `<id>.sum` what they make, `<id>.score` the one that `turns:` names. `<id>.unsure` is true where less
    than half of the probability lay on scores. Needs an endpoint that gives log-probabilities; where it gives none, or the
    reply is no score, the row is quarantined: no score is made up. A model trained as a scorer gets its own words by
    `template`.

    ## Why
    DEITA (Liu et al. 2023, arXiv 2312.15685) chose 6,000 of 300,000 rows by complexity, quality and diversity, and lost
    little. It sums over turns, which long chats win whatever they say: the mean is offered beside it, and is the default.

    ## Example
    >>> from tamis.core.calls import Reply, Token
    >>> from tamis.testing import run_step
    >>> says = lambda role, ask: Reply("3", tokens=(Token("3", -0.69, (("3", -0.6931), ("4", -0.6931))),))
    >>> result = run_step(Complexity(), [{"prompt": "Explain tides.", "response": "The moon."}], replies=says)
    >>> result.column("score.complexity.score")
    [3.5]
    >>> print(result.line)
    1 in = 1 kept
    """

    version: ClassVar[int] = 1
    question: ClassVar[str] = (
        "How complex is this request? Think of the knowledge, the steps of reasoning, and the conditions that a right "
        "answer takes."
    )
    parts: ClassVar[tuple[str, ...]] = ("prompt",)
