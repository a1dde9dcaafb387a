"""The section about the rows as a whole: lengths, labels, languages, writing, splits."""

from __future__ import annotations

from typing import Any

from .charts import bar, bars, overlay
from .markup import count, esc, isolated, number, percent, table

VIEWS = {"prompt": "What is asked (prompt)", "response": "What is answered (response)", "text": "The text"}
LABELS = 50
COLUMNS = 12
#: longer tables can be folded
FOLDED = 16


def distributions(data: dict[str, Any]) -> str:
    """What the delivered rows are like, beside what they were before."""
    parts = [_lengths(data), _labels(data), _languages(data), _style(data), _splits(data)]
    inner = "".join(parts) or "<p>There is no text to look at.</p>"
    labels = "" if data["labels"] else '<span id="labels"></span>'
    return f'<section id="rows" aria-labelledby="h-rows"><h2 id="h-rows">What the rows are like</h2>{labels}{_sample(data)}{inner}</section>'


def _sample(data: dict[str, Any]) -> str:
    sample = data["sample"]
    if not sample["before"] and not sample["after"]:
        return ""
    since = f", as they stood after <code>{isolated(sample['since'])}</code>" if sample["since"] else ""
    if sample["whole"]:
        return f'<p class="note">Lengths and writing are measured over every row: {sample["before"]:,} before{since}, {sample["after"]:,} delivered.</p>'
    return (
        f'<p class="note">Lengths and writing are measured over a sample, evenly spaced: {sample["before"]:,} of {sample["rows"]:,} rows before{since}, '
        f"and {sample['after']:,} of {sample['kept']:,} delivered ones.</p>"
    )


def _lengths(data: dict[str, Any]) -> str:
    if not data["lengths"]:
        return ""
    parts = [
        "<h3>Length</h3>",
        '<p class="legend"><span class="key k-outline">before</span><span class="key k-kept">delivered</span></p>',
    ]
    for one in data["lengths"]:
        title = f"Words of the {one['view']}, before and after"
        rows = []
        for side, word in (("before", "before"), ("after", "delivered")):
            s = one[side]
            if s["rows"]:
                rows.append([word, *(number(s[k]) for k in ("rows", "least", "p5", "median", "mean", "p95", "most"))])
        head = ["words", "rows", "least", "5 %", "median", "mean", "95 %", "most"]
        least = min(one[side]["least"] for side in ("before", "after") if one[side]["rows"])
        most = max(one[side]["most"] for side in ("before", "after") if one[side]["rows"])
        picture = overlay(one, title) if most > least else ""
        parts.append(
            f"<figure><figcaption><b>{esc(VIEWS[one['view']])}</b>, in words</figcaption>{picture}"
            f"{table(head, rows, right=tuple(range(1, 8)))}</figure>"
        )
    return "".join(parts)


def _labels(data: dict[str, Any]) -> str:
    if not data["labels"]:
        return ""
    parts = [
        '<h3 id="labels">Labels</h3><p class="note">Columns with few different values. Of the rows read, and of those delivered.</p>'
    ]
    for label in data["labels"]:
        parts.append(_label(label))
    return "".join(parts)


def _label(label: dict[str, Any]) -> str:
    name = label["column"].removeprefix("source.")
    rows = label["rows"]
    most = max([1, *(row["after"] for row in rows)])
    total = sum(row["after"] for row in rows)
    splits = label["splits"] if 2 <= len(label["splits"]) <= COLUMNS else []
    lines = []
    for row in rows[:LABELS]:
        cells = [
            isolated(row["label"]),
            number(row["before"]),
            number(row["after"]),
            f'<span class="bar">{bar(row["after"], 0, most)}</span>',
            percent(row["after"], total),
        ]
        lines.append([*cells, *(number(row["splits"].get(split, 0)) for split in splits)])
    rest = rows[LABELS:]
    if rest:
        cells = [
            f"<i>{count(len(rest), 'other value')}</i>",
            number(sum(r["before"] for r in rest)),
            number(sum(r["after"] for r in rest)),
            "",
            "",
        ]
        lines.append([*cells, *(number(sum(r["splits"].get(split, 0) for r in rest)) for split in splits)])
    head = [isolated(name), "read", "delivered", '<span class="sr">share</span>', "share", *map(isolated, splits)]
    right = (1, 2, 4, *range(5, 5 + len(splits)))
    part = "" if label["all"] else " (counted over evenly spaced parts of the run)"
    title = f"<b>{isolated(name)}</b>: {label['labels']:,} values{part}"
    if len(lines) > FOLDED:
        return f"<details open><summary>{title}</summary>{table(head, lines, right=right)}</details>"
    return f"<figure><figcaption>{title}</figcaption>{table(head, lines, right=right)}</figure>"


def _languages(data: dict[str, Any]) -> str:
    parts = []
    for one in data["languages"]:
        part = "" if one["all"] else " in the part of the run that was looked at"
        parts.append(
            f'<figure><figcaption>As <a href="#{one["anchor"]}"><code>{isolated(one["step"])}</code></a> measured it{part}; '
            f"<code>und</code>: cannot be told</figcaption>{bars(one['bars'], 'language', others=one['others'])}</figure>"
        )
    return f"<h3>Languages</h3>{''.join(parts)}" if parts else ""


def _style(data: dict[str, Any]) -> str:
    views = [one for one in data["style"] if one["before"] or one["after"]]
    if not views:
        return ""
    head = ["share of texts that"]
    for one in views:
        head += [f"{one['view']}, before", f"{one['view']}, delivered"]
    rows = []
    for name, sentence in data["habits"].items():
        shares = [(one[side] or {}).get(name) for one in views for side in ("before", "after")]
        if any(shares):
            rows.append([esc(sentence), *("–" if s is None else percent(s, 1) for s in shares)])
    for name, sentence in (
        ("sentence_words", "<i>words a sentence</i>"),
        ("different_words", "<i>different words among the first 2,000</i>"),
    ):
        values = [(one[side] or {}).get(name) for one in views for side in ("before", "after")]
        if any(v is not None for v in values):
            told = [("–" if v is None else percent(v, 1)) if name == "different_words" else number(v) for v in values]
            rows.append([sentence, *told])
    return f"<h3>Writing</h3>{table(head, rows, right=tuple(range(1, len(head))))}" if rows else ""


def _splits(data: dict[str, Any]) -> str:
    if not data["splits"]:
        return ""
    views = [view for view in VIEWS if any(view in one["lengths"] for one in data["splits"])]
    total = sum(one["rows"] for one in data["splits"])
    rows = [
        [
            isolated(one["split"]),
            number(one["rows"]),
            percent(one["rows"], total),
            *(number(one["lengths"].get(view, {}).get("median")) for view in views),
        ]
        for one in data["splits"]
    ]
    head = ["split", "rows", "share", *(f"median words, {view}" for view in views)]
    return f'<h3 id="splits">Splits</h3>{table(head, rows, right=tuple(range(1, len(head))))}'
