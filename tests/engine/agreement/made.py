"""Ratings made by arithmetic, so that the golden values can be computed again by any library."""

from __future__ import annotations

ROWS = 240


def ratings(rater: int, *, levels: int = 4, skew: int = 0) -> list[int]:
    """What rater 0, 1, 2 … says of each row: mostly the truth, some noise of its own."""
    found = []
    for i in range(ROWS):
        truth = 0 if (i * 7919) % 100 < skew else (i * 31 + i * i * 7) % levels
        noise = (i * 101 + rater * 37 + i * i * (rater + 3)) % 97
        found.append(truth if noise % 3 else (truth + noise) % levels)
    return found


def some_missing(rater: int) -> list[int | None]:
    """As `ratings`, without what this rater did not get to."""
    return [None if (i * 13 + rater * 29) % 11 == 0 else value for i, value in enumerate(ratings(rater))]


TEXTS = [
    ("The cat sat on the mat.", "The cat is sitting on the mat."),
    ("A refund of $3.50 was sent on 12-05-2024, she said.", "She said that a refund of $3.50 was sent (12-05-2024)."),
    ("Hello &quot;world&quot; — it's fine", "Hello \"world\", it is fine!"),
    ("no overlap here", "totally different words"),
    ("one", "one two three four five six"),
    ("the the the the the the the", "the cat is on the mat"),
    ("He asked for the delivery date; the agent promised Friday, 5 p.m.", "He asked for the delivery date and the agent promised Friday at 5 p.m."),
]  # fmt: skip
