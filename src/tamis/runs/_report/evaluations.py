"""A prompt's page: what was measured, version by version, where it is worst, and which prompt won against which."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from .markup import count, esc, isolated, number, table
from .style import STYLE

#: shades of a cell of the confusion table
SHADES = 9
#: labels of it that are shown
LABELS = 14
#: evaluations side by side
COLUMNS = 6
#: figures told first; others follow, the longest tail folded away
FIRST = (
    "accuracy",
    "f1_macro",
    "kappa",
    "alpha",
    "ac1",
    "rating",
    "good_share",
    "bleu",
    "rouge_1",
    "rouge_2",
    "rouge_l",
)
NAMES = {
    "accuracy": "accuracy", "f1_macro": "F1, mean of the labels", "kappa": "Cohen's kappa", "alpha": "Krippendorff's alpha",
    "ac1": "Gwet's AC1", "rating": "mean rating (0 to 4)", "good_share": "share good or excellent", "bleu": "BLEU (0 to 100)",
    "rouge_1": "ROUGE-1", "rouge_2": "ROUGE-2", "rouge_l": "ROUGE-L",
}  # fmt: skip
TOPS = {"rating": 4.0, "bleu": 100.0}

MORE = """
.ci svg { width: 11rem; height: 1rem; display: block; overflow: visible; }
.ci line.range { stroke: var(--kept); stroke-width: 3; stroke-linecap: round; }
.ci circle { fill: var(--ink); }
.ci line.base { stroke: var(--line); stroke-width: 1; }
.ci line.mean { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 2; }
.heat table { min-width: 0; }
.heat td { text-align: center; padding: .35rem .55rem; border: 1px solid var(--line); min-width: 2.6rem; }
.heat thead th { padding: .2rem .4rem; text-align: center; border-bottom: 0; }
.heat td.right { outline: 2px solid var(--kept); outline-offset: -2px; }
.levels { display: grid; grid-template-columns: max-content 1fr max-content; gap: .25rem .8rem; align-items: center; max-width: 34rem; margin: .8rem 0 1.4rem; }
.levels svg { width: 100%; height: 1rem; display: block; }
.levels .good { fill: var(--kept); } .levels .poor { fill: var(--dropped); } .levels .fair { fill: var(--held); }
@media screen and (max-width: 700px) { .ci svg { width: 6rem; } .heat tbody th { max-width: 7.5rem; } .heat td { min-width: 2rem; padding: .3rem .2rem; } }
.iv { display: block; color: var(--soft); font-size: .85em; white-space: nowrap; }
""" + "".join(
    f".h{k} {{ background: color-mix(in srgb, var(--dropped) {7 * k}%, transparent); }} "
    f".g{k} {{ background: color-mix(in srgb, var(--kept) {7 * k}%, transparent); }}\n"
    for k in range(1, SHADES + 1)
)


def prompt_page(prompt: str, evaluations: Sequence[Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]]) -> str:
    """The page as HTML, the last evaluation first. The same data give the same text."""
    style = STYLE + MORE
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    last = evaluations[-1]
    body = "".join(
        (
            _header(prompt, last),
            "<main>",
            _figures(last),
            _distribution(last),
            _worst(last),
            _confusion(last),
            _labels(last),
            _versions(evaluations),
            _comparisons(comparisons),
            "</main><footer><p>Drawn from the prompt's file of decisions alone; nothing on this page is loaded from anywhere.</p></footer>",
        )
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n'
        f"<title>prompt {esc(prompt)}: evaluations</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _section(anchor: str, title: str, inner: str) -> str:
    return f'<section id="{anchor}" aria-labelledby="h-{anchor}"><h2 id="h-{anchor}">{title}</h2>{inner}</section>'


def _when(at: str) -> str:
    """A time as it was written down, to the minute, in UTC."""
    return esc(at[:16].replace("T", " ")) + (" UTC" if at.endswith("+00:00") else "")


def _header(prompt: str, last: Mapping[str, Any]) -> str:
    facts = last["facts"]
    judged = f" Rated by <b>{isolated(facts['judge'])}</b>." if facts.get("judge") else ""
    against = f" Compared with <code>{isolated(facts['gold'])}</code>." if facts.get("gold") else ""
    notes = [*facts.get("warnings", []), *facts.get("reading", [])]
    box = ""
    if notes:
        title = "1 thing to know" if len(notes) == 1 else f"{len(notes)} things to know"
        lines = "".join(f"<li>{isolated(note)}</li>" for note in notes)
        box = (
            f'<section class="warn" aria-labelledby="warnings"><h2 id="warnings">{title}</h2><ul>{lines}</ul></section>'
        )
    return (
        f'<header><p class="over">Tamis · evaluation of a prompt · {_when(last["at"])}</p><h1>{isolated(prompt)}</h1>'
        f'<p class="about">Version <code>{esc(last["version"])}</code>, asked of <b>{isolated(last["model"])}</b>: '
        f"{count(facts['rows'], 'row')}, {facts['answered']:,} with an answer.{against}{judged}</p>{box}</header>"
    )


# -- figures --------------------------------------------------------------------------------------


def interval_picture(figures: Mapping[str, float], top: float = 1.0, mark: float | None = None) -> str:
    """A figure with its interval on a line from 0 to `top`; below 0 it begins at the edge. mark: another value on it."""

    def x(value: float) -> float:
        return round(6 + 168 * min(1.0, max(0.0, value / top)), 1)

    low, high = figures.get("low"), figures.get("high")
    told = f"{figures['value']:.3f}" + (f", {low:.3f} to {high:.3f}" if low is not None and high is not None else "")
    span = "" if low is None or high is None else f'<line class="range" x1="{x(low)}" x2="{x(high)}" y1="8" y2="8"/>'
    other = "" if mark is None else f'<line class="mean" x1="{x(mark)}" x2="{x(mark)}" y1="0" y2="16"/>'
    return (
        f'<span class="ci"><svg viewBox="0 0 180 16" role="img" aria-label="{told}"><line class="base" x1="6" x2="174" y1="8" y2="8"/>'
        f'{other}{span}<circle cx="{x(figures["value"])}" cy="8" r="3.2"/></svg></span>'
    )


def _named(metric: str) -> str:
    return esc(NAMES.get(metric, metric.replace("_", " ").replace("f1", "F1")))


def _ordered(metrics: Mapping[str, Any]) -> list[str]:
    return [*(name for name in FIRST if name in metrics), *(name for name in metrics if name not in FIRST)]


def _span(figures: Mapping[str, float]) -> str:
    return f"{figures['low']:.3f} to {figures['high']:.3f}" if "low" in figures else "–"


def _figures(last: Mapping[str, Any]) -> str:
    metrics = last["metrics"]

    def rows(names: Sequence[str]) -> list[list[str]]:
        return [
            [
                _named(name),
                f"{metrics[name]['value']:.3f}",
                _span(metrics[name]),
                interval_picture(metrics[name], TOPS.get(name, 1.0)),
            ]
            for name in names
        ]

    head = ["figure", "value", "95% interval", '<span class="sr">interval drawn</span>']
    names = _ordered(metrics)
    first, rest = [n for n in names if n in FIRST], [n for n in names if n not in FIRST]
    inner = table(head, rows(first), right=(1, 2))
    if rest:
        inner += f"<details><summary>{count(len(rest), 'more figure')}</summary>{table(head, rows(rest), right=(1, 2))}</details>"
    return _section("figures", "Figures", inner)


def _distribution(last: Mapping[str, Any]) -> str:
    levels = last["facts"].get("distribution")
    if not levels:
        return ""
    top, whole = max(levels.values()) or 1, sum(levels.values()) or 1
    kinds = dict(zip(levels, ("poor", "poor", "fair", "good", "good"), strict=False))
    lines = "".join(
        f'<span>{esc(level)}</span><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{kinds.get(level, "fair")}" width="{100 * rows / top:.1f}" height="10" rx="1"/></svg>'
        f'<span class="n">{rows:,} <span class="m">{rows / whole:.0%}</span></span>'
        for level, rows in levels.items()
    )
    return _section("ratings", "Ratings", f'<div class="levels">{lines}</div>')


def _worst(last: Mapping[str, Any]) -> str:
    facts = last["facts"]
    slices = facts.get("slices", [])
    if not slices:
        looked = facts.get("looked_at", 0)
        said = f"No group of rows is worse than the rest, of {looked:,} looked at." if looked else "Not looked for."
        return _section("worst", "Where it is worst", f"<p>{said}</p>")
    rows = [
        [
            isolated(one["name"]),
            f"{one['errors']:,} of {one['rows']:,}",
            f"{one['rate']:.0%}",
            f"{one['low']:.0%} to {one['high']:.0%}",
            interval_picture(
                {"value": one["rate"], "low": one["low"], "high": one["high"]}, mark=one["rate"] - one["difference"]
            ),
            f"{100 * one['difference']:+.0f} points",
            f"{one['adjusted']:.1g}",
        ]
        for one in slices
    ]
    head = ["group", "bad rows", "share", "95% interval", '<span class="sr">drawn</span>', "to the rest", "by chance"]
    note = (
        f'<p class="note">{facts.get("looked_at", 0):,} groups were looked at; the probability that chance makes one so bad '
        "allows for that. The dashed line is the rest of the rows. Each group is told without rows of those above it.</p>"
    )
    return _section("worst", "Where it is worst", table(head, rows, right=(1, 2, 3, 5, 6)) + note)


def _confusion(last: Mapping[str, Any]) -> str:
    cells = last["facts"].get("cells")
    if not cells:
        return ""
    wrong: dict[Any, int] = {}
    for right, said, rows in cells:
        if right != said:
            wrong[right] = wrong.get(right, 0) + rows
            wrong[said] = wrong.get(said, 0) + rows
    names = [name for name in last["facts"]["labels"] if name is not None]
    order = {name: k for k, name in enumerate(names)}
    chosen = sorted(
        sorted(names, key=lambda name: (-wrong.get(name, 0), order[name]))[:LABELS], key=lambda name: order[name]
    )
    found = {(right, said): rows for right, said, rows in cells}
    columns: list[Any] = [*chosen, *([None] if any(said is None for _, said, _ in cells) else [])]
    most_wrong = max([1, *(n for (r, s), n in found.items() if r != s)])
    most_right = max([1, *(n for (r, s), n in found.items() if r == s)])
    heads = "".join(
        f'<th scope="col" title="{esc(name or "no answer")}">{"none" if name is None else k}</th>'
        for k, name in enumerate(columns, 1)
    )
    lines = []
    for k, right in enumerate(chosen, 1):
        inner = ""
        for said in columns:
            rows = found.get((right, said), 0)
            if right == said:
                shade = f"right g{_shade(rows, most_right)}" if rows else "right"
            else:
                shade = f"h{_shade(rows, most_wrong)}" if rows else "zero"
            inner += f'<td class="{shade}">{rows or "·"}</td>'
        lines.append(f'<tr><th scope="row"><span class="no">{k}</span>{isolated(right)}</th>{inner}</tr>')
    note = "" if len(chosen) == len(names) else f" The {len(chosen)} labels of {len(names)} that are confused most."
    inner = (
        f'<p class="note">Each row is a right label, each column what was said, by number; what is right is framed.{note}</p>'
        f'<div class="scroll heat" tabindex="0"><table><thead><tr><th scope="col">right label</th>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )
    return _section("confusion", "What was taken for what", inner)


def _shade(rows: int, most: int) -> int:
    return max(1, round(SHADES * math.sqrt(rows / most)))


def _labels(last: Mapping[str, Any]) -> str:
    by_label = last["facts"].get("by_label")
    if not by_label:
        return ""
    rows = []
    for name in sorted(by_label, key=lambda n: (by_label[n]["f1"]["value"] or 0, n)):
        one = by_label[name]
        cells = []
        for kind in ("precision", "recall", "f1"):
            figures = one[kind]
            span = (
                ""
                if figures["low"] is None
                else f'<span class="iv">{figures["low"]:.2f} to {figures["high"]:.2f}</span>'
            )
            cells.append("–" if figures["value"] is None else f"{figures['value']:.2f}{span}")
        rows.append([isolated(name), number(one["support"]), *cells])
    inner = table(["label", "rows", "precision", "recall", "F1"], rows, right=(1, 2, 3, 4))
    if len(rows) > 12:
        inner = f"<details><summary>{len(rows)} labels, the worst first</summary>{inner}</details>"
    return _section("labels", "Label by label", inner)


# -- versions -------------------------------------------------------------------------------------


def _versions(evaluations: Sequence[Mapping[str, Any]]) -> str:
    shown = list(reversed(evaluations[-COLUMNS:]))
    if len(shown) < 2:
        return ""
    metrics: dict[str, None] = {}
    for one in shown:
        metrics |= dict.fromkeys(one["metrics"])
    names = [name for name in _ordered(metrics) if name in FIRST]
    head = ["figure"] + [
        f'<code>{esc(one["version"][:8])}</code><span class="iv">{isolated(one["model"])}</span><span class="iv">{_when(one["at"])}</span>'
        for one in shown
    ]
    rows = []
    for name in names:
        cells = []
        for one in shown:
            figures = one["metrics"].get(name)
            cells.append("–" if figures is None else f'{figures["value"]:.3f}<span class="iv">{_span(figures)}</span>')
        rows.append([_named(name), *cells])
    rows.append(["rows", *(f"{one['facts']['rows']:,}" for one in shown)])
    note = '<p class="note">Overlapping intervals do not say that two versions are alike: <code>tamis prompt compare</code> compares them row by row.</p>'
    return _section("versions", "Versions side by side", table(head, rows, right=tuple(range(1, len(head)))) + note)


def _comparisons(comparisons: Sequence[Mapping[str, Any]]) -> str:
    if not comparisons:
        return ""
    rows = []
    for one in reversed(comparisons[-12:]):
        facts = one["facts"]
        difference = facts["difference"]
        span = (
            ""
            if difference["low"] is None
            else f'<span class="iv">{difference["low"]:+.3f} to {difference["high"]:+.3f}</span>'
        )
        value = "–" if difference["value"] is None else f"{difference['value']:+.3f}{span}"
        a, b = (f"{isolated(facts[k][0])} <code>{esc(facts[k][1][:8])}</code>" for k in ("a", "b"))
        rows.append(
            [
                f"{a} → {b}",
                number(facts["rows"]),
                number(facts["wins"]),
                number(facts["losses"]),
                value,
                isolated(facts["verdict"]),
            ]
        )
    head = ["A → B", "rows", "B wins", "B loses", "B less A", "verdict"]
    return _section("comparisons", "Compared row by row", table(head, rows, right=(1, 2, 3, 4)))
