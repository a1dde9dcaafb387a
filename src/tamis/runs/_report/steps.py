"""The sections of the steps: account, reasons with examples, figures, changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .charts import bars, histogram
from .markup import count, esc, isolated, marked, number, percent, segments, table

OUTCOMES = {
    "dropped": "dropped",
    "merged": "merged",
    "held": "held for people",
    "quarantined": "quarantined",
    "kept": "kept",
}


def steps_section(data: dict[str, Any]) -> str:
    """Every step: first all of them in a table, then one section each."""
    head = '<section id="steps" aria-labelledby="h-steps"><h2 id="h-steps">Step by step</h2>'
    if not data["steps"]:
        return f"{head}<p>The recipe has no steps: every row that was read went on.</p></section>"
    return head + _accounts(data["steps"]) + "".join(_step(step, data) for step in data["steps"]) + "</section>"


def _accounts(steps: list[dict[str, Any]]) -> str:
    columns = [k for k in ("born", "dropped", "merged", "held", "quarantined", "changed") if any(s[k] for s in steps)]
    shown = ["in", *[c for c in columns if c == "born"], "kept", *[c for c in columns if c != "born"]]
    rows = [
        [
            f'<a href="#{s["anchor"]}"><code>{isolated(s["name"])}</code></a>',
            *(number(s[k]) if s[k] else '<span class="zero">0</span>' for k in shown),
        ]
        for s in steps
    ]
    return table(["step", *shown], rows, right=tuple(range(1, len(shown) + 1)))


def _step(step: dict[str, Any], data: dict[str, Any]) -> str:
    parts = [
        f'<section class="step" id="{step["anchor"]}" aria-labelledby="h-{step["anchor"]}">'
        f'<h3 id="h-{step["anchor"]}"><span class="no">{step["number"]}</span> {isolated(step["name"])}</h3>',
        f'<p class="account">{_account(step)}</p>',
    ]
    if step["address"].startswith("split.") and data["splits"]:
        told = ", ".join(f"{isolated(one['split'])} {one['rows']:,}" for one in data["splits"])
        parts.append(f'<p>Delivered: {told}. <a href="#splits">The splits</a></p>')
    parts += [_leaving(one, step) for one in step["leaving"]]
    parts += [_alike(one) for one in step["alike"]]
    figures = [_figure(figure, step) for figure in step["figures"] if not _told_by_reasons(figure)]
    if figures:
        parts.append("<h4>What was measured</h4>" + "".join(figures))
    if step["changes"]:
        parts.append(_changes(step))
    return "".join(parts) + "</section>"


def _account(step: dict[str, Any]) -> str:
    born = f" + {step['born']:,} born" if step["born"] else ""
    ends = [f"{step['kept']:,} kept"] + [
        f"{step[k]:,} {k}" for k in ("dropped", "merged", "held", "quarantined") if step[k]
    ]
    more = [
        f"{step[k]:,} {word}"
        for k, word in (
            ("changed", "changed"),
            ("rescued", "rescued by people"),
            ("not_applicable", "without the text it looks at"),
        )
        if step[k]
    ]
    if step["stale"]:
        more.append(f"{step['stale']:,} stale decisions")
    if step.get("rejected_for"):
        counts = sorted(step["rejected_for"].items(), key=lambda one: (-one[1], one[0]))
        more.append("rejected for " + ", ".join(f"{esc(slug)} {rows:,}" for slug, rows in counts))
    told = f'<span class="more"> · {" · ".join(more)}</span>' if more else ""
    other = (
        f' <span class="more">· {esc(step["address"])}</span>' if step["address"] != step["name"].split("@")[0] else ""
    )
    return f"{step['in']:,} in{born} = {' + '.join(ends)}{told}{other}"


def _told_by_reasons(figure: dict[str, Any]) -> bool:
    """A figure with nothing to see: the ids of other rows, or one word throughout."""
    return figure["kind"] == "words" and len(figure["bars"]) < 2 and not figure["others"]


# -- reasons ------------------------------------------------------------------------------------


def _leaving(one: dict[str, Any], step: dict[str, Any]) -> str:
    title = f"<code>{isolated(one['reason'])}</code>" if one["reason"] else OUTCOMES[one["outcome"]].capitalize()
    sentence = f'<p class="sentence">{_sentence(one["sentence"])}</p>' if one["sentence"] else ""
    share = f"{number(one['rows'])} {OUTCOMES[one['outcome']]}, {percent(one['rows'], step['in'] + step['born'])} of those that came in"
    shown = _examples(
        one["examples"],
        one["rows"],
        ("merged", "stayed") if one["outcome"] == "merged" else (one["outcome"], "the other"),
    )
    return f'<section class="reason r-{one["outcome"]}" id="{one["anchor"]}"><h4>{title} <span class="count">{share}</span></h4>{sentence}{shown}</section>'


def _sentence(sentence: str) -> str:
    """A reason's sentence, what stands between back-quotes as code."""
    pieces = sentence[:1].upper() + sentence[1:]
    told = [f"<code>{esc(p)}</code>" if k % 2 else esc(p) for k, p in enumerate(pieces.split("`"))]
    return "".join(told) + ("" if sentence.endswith((".", "!", "?")) else ".")


def _alike(one: dict[str, Any]) -> str:
    more = "" if one["all"] else " in the part of the run that was looked at"
    title = (
        f'<code>{isolated(one["evidence"])}</code> <span class="count">{count(one["rows"], "row")} kept{more}</span>'
    )
    said = '<p class="sentence">These rows stay, and each names another row that it is like.</p>'
    return f'<section class="reason r-held"><h4>{title}</h4>{said}{_examples(one["examples"], one["rows"])}</section>'


def _examples(examples: Sequence[dict[str, Any]], rows: int, names: tuple[str, str] = ("this row", "the other")) -> str:
    if not examples:
        return '<p class="note">No example can be shown.</p>'
    said = "All of them:" if len(examples) == rows else f"{len(examples)} of {rows:,}:"
    if rows == 1:
        said = "It:"
    return f'<p class="note">{said}</p><div class="examples">{"".join(_example(e, names) for e in examples)}</div>'


def _example(e: dict[str, Any], names: tuple[str, str]) -> str:
    evidence = "".join(
        f'<span class="ev"><i>{esc(k)}</i> {_value(v)}</span>' for k, v in e["evidence"].items() if v != e.get("into")
    )
    if "into" in e:
        return f'<article class="ex">{_pair(e, evidence, names)}</article>'
    body = _row(e["row"], e["marks"], "withheld" in e)
    return f'<article class="ex"><p class="at">{_place(e)}{evidence}</p>{body}</article>'


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"<b>{number(value)}</b>"
    return f"<q>{isolated(str(value))}</q>"


def _place(e: dict[str, Any]) -> str:
    return f'<code class="id" title="{esc(e["id"])}">{esc(e["id"][:8])}</code> <span class="file">{isolated(str(e["file"]))}:{esc(e["line"])}</span> '


def _row(row: dict[str, Any] | None, marks: Sequence[str], withheld: bool = False) -> str:
    if withheld:
        return '<p class="gone-text">Not shown: a later step takes personal data away.</p>'
    if row is None:
        return '<p class="gone-text">The text of this row is no longer in the workspace.</p>'
    more = f'<p class="note">… and {row["more"]:,} more</p>' if row["more"] else ""
    if "turns" in row:
        turns = "".join(
            f'<div class="turn"><span class="role">{esc(t["role"])}</span>{_text(t, marks)}</div>' for t in row["turns"]
        )
        return (turns or '<p class="note">No messages.</p>') + more
    cells = "".join(
        f'<div class="turn"><span class="role">{isolated(c["name"])}</span>{_text(c, marks)}</div>'
        for c in row["cells"]
    )
    return (cells or '<p class="note">No columns.</p>') + more


def _text(one: dict[str, Any], marks: Sequence[str]) -> str:
    if one["text"] is None:
        return '<p class="tx empty">null</p>'
    if not one["text"].strip():
        blank = f"{one['length']:,} characters of white space" if one["text"] else "empty"
        return f'<p class="tx empty">{blank}</p>'
    cut = f'<span class="cut"> {one["length"]:,} characters</span>' if len(one["text"]) < one["length"] else ""
    return f'<p class="tx" dir="auto">{marked(one["text"], marks)}{cut}</p>'


def _pair(e: dict[str, Any], evidence: str, names: tuple[str, str]) -> str:
    """A row and the one it was merged into, side by side."""
    other = e.get("other")
    if other is None or other["row"] is None or e["row"] is None:
        into = f'into <code class="id" title="{esc(e["into"])}">{esc(str(e["into"])[:8])}</code>'
        where = f" {_place(other)}" if other is not None else ""
        return f'<p class="at">{_place(e)}{evidence} {into}{where}</p>{_row(e["row"], e["marks"], "withheld" in e)}'
    left = f'<div class="side"><p class="at"><span class="tag">{names[0]}</span>{_place(e)}{evidence}</p>{_sides(e["pairs"], "left")}</div>'
    right = f'<div class="side"><p class="at"><span class="tag">{names[1]}</span>{_place(other)}</p>{_sides(e["pairs"], "right")}</div>'
    same = '<p class="note">No difference in what is shown.</p>' if all(p["same"] for p in e["pairs"]) else ""
    return f'<div class="pair">{left}{right}</div>{same}'


def _sides(pairs: Sequence[dict[str, Any]], side: str) -> str:
    found = []
    for pair in pairs:
        role = f'<span class="role">{isolated(pair["name"])}</span>' if pair["name"] else ""
        inner = segments(pair[side]) or '<span class="empty">empty</span>'
        found.append(f'<div class="turn">{role}<p class="tx" dir="auto">{inner}</p></div>')
    return "".join(found)


# -- figures and changes ------------------------------------------------------------------------


def _figure(figure: dict[str, Any], step: dict[str, Any]) -> str:
    part = "" if figure["all"] else ", of the part of the run that was looked at"
    head = f"<figcaption><b>{esc(figure['name'])}</b> of {count(figure['rows'], 'row')}{part}"
    if figure["kind"] == "words":
        return f"<figure>{head}</figcaption>{bars(figure['bars'], figure['name'], others=figure['others'])}</figure>"
    limits = figure["limits"]
    told = f": {number(figure['low'])} to {number(figure['high'])}, median {number(figure['median'])}"
    if limits:
        told += "; " + ", ".join(f"{word} kept: {number(value)}" for word, value in limits.items())
    if figure["zeros"]:
        zeros = figure["zeros"]
        nought = zeros["kept"] + zeros["left"]
        told += (
            f". It is 0 in {count(nought, 'row')}"
            + (f", {zeros['left']:,} of them not kept" if zeros["left"] else "")
            + "; the others:"
        )
    scale = ' <span class="m">(bins of equal ratio)</span>' if figure["scale"] == "ratios" else ""
    title = f"Histogram of {figure['name']}{told}"
    return f"<figure>{head}{told}{scale}</figcaption>{histogram(figure, title)}</figure>"


def _changes(step: dict[str, Any]) -> str:
    found = []
    for one in step["changes"]:
        if "made" in one:
            body = (
                f'<div class="pair"><div class="side"><p class="at"><span class="tag">read</span>{_place(one)}</p>{_row(one["from"], [])}</div>'
                f'<div class="side"><p class="at"><span class="tag">made of it</span></p>{_row(one["made"], [])}</div></div>'
            )
        else:
            body = (
                f'<div class="pair"><div class="side"><p class="at"><span class="tag">before</span>{_place(one)}</p>{_sides(one["pairs"], "left")}</div>'
                f'<div class="side"><p class="at"><span class="tag">after</span></p>{_sides(one["pairs"], "right")}</div></div>'
            )
        found.append(f'<article class="ex">{body}</article>')
    total = step["changed"]
    more = f' <span class="count">{len(found)} of {total:,}</span>' if total else ""
    made = all("made" in one for one in step["changes"])
    title = "What it made" if made else "What it changed"
    return (
        f'<section class="reason r-kept"><h4>{title}{more}</h4><div class="examples">{"".join(found)}</div></section>'
    )
