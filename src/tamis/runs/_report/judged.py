"""The section about judges: how far their verdicts can be trusted."""

from __future__ import annotations

from typing import Any

from tamis.engine.judging.panel import told_in_words

from .markup import count, isolated

#: why there is no verdict, in words
WORDS = {
    "unparsed": "replies in which none can be found",
    "schema": "replies that are not the JSON that was asked for",
    "length": "replies that were cut off",
    "timeout": "calls that took too long",
    "server": "calls that kept failing",
    "connection": "calls that reached nobody",
}


def judged_section(data: dict[str, Any]) -> str:
    """The section, where a step judged; else nothing."""
    if not data.get("judging"):
        return ""
    head = '<section id="judges" aria-labelledby="h-judges"><h2 id="h-judges">Judges</h2>'
    said = (
        '<p class="note">What is known of the models that judged: whether a verdict depends on the order, on chance or on '
        "length, whether people agree, and what they made of answers whose worth is known. Intervals are at 95%.</p>"
    )
    return head + said + "".join(_of_step(name, told) for name, told in data["judging"].items()) + "</section>"


def _of_step(name: str, told: dict[str, Any]) -> str:
    lines = told_in_words(told) if told["rows"] else []
    without = {reason: n for reason, n in told["unjudged"].items() if reason != "own_family"}
    if without:
        why = ", ".join(f"{n:,} {WORDS.get(reason, reason)}" for reason, n in without.items())
        lines.append(f"{count(sum(without.values()), 'row')} without a verdict: {why}.")
    if told["refused"]:
        lines.append(f"{count(told['refused'], 'row')} not judged: the judge is of the family of who wrote them.")
    inner = "".join(f"<li>{isolated(line)}</li>" for line in lines)
    warned = "".join(f"<li><strong>{isolated(line)}</strong></li>" for line in told["warnings"])
    return f"<h3><code>{isolated(name)}</code></h3><ul>{warned}{inner}</ul>"
