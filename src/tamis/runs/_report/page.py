"""The page: one HTML file with everything in it, drawn from `gather.report_data` alone."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from tamis.runs.choice_words import sentence
from tamis.runs.privacy_words import sentences

from .contamination import contamination_section
from .flow import flow_picture
from .judged import judged_section
from .mapped import map_section
from .markup import count, esc, isolated, number, percent, seconds, size, table, text
from .metrics import metrics_section
from .script import SCRIPT
from .sections import distributions
from .steps import steps_section
from .style import STYLE

ENDS = ("kept", "dropped", "merged", "held", "quarantined")


def page(data: dict[str, Any]) -> str:
    """The report as HTML. The same data give the same text."""
    name = data["recipe"]["name"]
    body = "\n".join(
        part
        for part in (
            _header(data),
            _contents(data),
            f"<main>{_flow(data)}{_delivered(data)}{steps_section(data)}{metrics_section(data)}{contamination_section(data)}{judged_section(data)}{map_section(data)}{distributions(data)}{_choices(data)}{_quarantined(data)}{_privacy(data)}{_sources(data)}{_making(data)}</main>",
            _footer(data),
        )
        if part
    )
    policy = f"default-src 'none'; style-src '{_hash(STYLE)}'; script-src '{_hash(SCRIPT)}'; img-src data:; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n'
        f"<title>{esc(name)}, run {esc(data['run'])}: report</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"{body}\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _hash(source: str) -> str:
    """What the security policy calls a piece of code that may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


# -- the head -----------------------------------------------------------------------------------


def _header(data: dict[str, Any]) -> str:
    recipe = data["recipe"]
    about = f'<p class="about">{isolated(recipe["description"])}</p>' if recipe["description"] else ""
    date = f" · {esc(data['date'])}" if data["date"] else ""
    return (
        f'<a class="skip" href="#flow">Skip to the picture</a><header><p class="over">Tamis report · run {esc(data["run"])}{date}</p>'
        f"<h1>{isolated(recipe['name'])}</h1>{about}{_equation(data['outcomes'])}{_warnings(data['warnings'])}</header>"
    )


def _equation(o: dict[str, int]) -> str:
    """in + born = kept + dropped + merged + held + quarantined, as a sentence that adds up."""

    def term(name: str) -> str:
        return f'<span class="term t-{name}"><b>{o.get(name, 0):,}</b> {name}</span>'

    entering = ["in", *(["born"] if o.get("born") else [])]
    leaving = ["kept", *(name for name in ENDS[1:] if o.get(name))]
    plus = '<span class="op">+</span>'
    return f'<p class="equation">{plus.join(map(term, entering))}<span class="op">=</span>{plus.join(map(term, leaving))}</p>'


def _warnings(warnings: list[dict[str, Any]]) -> str:
    if not warnings:
        return ""
    lines = [
        f'<li>{isolated(w["text"])}{f""" <a href="#{w["anchor"]}">see</a>""" if w["anchor"] else ""}</li>'
        for w in warnings
    ]
    title = "1 thing to know" if len(lines) == 1 else f"{len(lines)} things to know"
    return f'<section class="warn" aria-labelledby="warnings"><h2 id="warnings">{title}</h2><ul>{"".join(lines)}</ul></section>'


def _contents(data: dict[str, Any]) -> str:
    links = [("flow", "Flow"), ("delivered", "Delivered"), ("steps", "Steps")]
    links += [("metrics", "Metrics")] if metrics_section(data) else []
    links += [("contamination", "Test items")] if data["contamination"] else []
    links += [("judges", "Judges")] if data.get("judging") else []
    links += [("map", "Map")] if data.get("map") else []
    links += [("rows", "Rows")]
    links += [("choices", "Choices")] if data.get("choices") else []
    links += [("quarantined", "Quarantine")]
    links += [("privacy", "Privacy")] if _privacy(data) else []
    links += [("sources", "Sources"), ("making", "Making")]
    inner = "".join(f'<a href="#{anchor}">{word}</a>' for anchor, word in links)
    tools = (
        '<span class="tools" hidden><label><span class="sr">Show only examples with</span>'
        '<input id="find" type="search" placeholder="Filter examples" autocomplete="off"></label>'
        '<button type="button" id="open">Open all</button></span><span id="found" class="sr" role="status"></span>'
    )
    return f'<nav aria-label="On this page">{inner}{tools}</nav>'


def _flow(data: dict[str, Any]) -> str:
    legend = "".join(
        f'<span class="key k-{name}">{word}</span>'
        for name, word in (
            ("kept", "goes on"),
            ("dropped", "dropped"),
            ("merged", "merged"),
            ("held", "held"),
            ("quarantined", "quarantined"),
        )
        if name == "kept" or data["outcomes"].get(name)
    )
    return (
        '<section id="flow" aria-labelledby="h-flow"><h2 id="h-flow">Where the rows went</h2>'
        f'<p class="legend">{legend}</p>{flow_picture(data)}'
        '<p class="note">Widths are rows; the thinnest branches are drawn a little wider than they are. '
        "Each step and each reason leads to its section.</p></section>"
    )


def _delivered(data: dict[str, Any]) -> str:
    files = data["delivered"]
    if not files:
        said = "This run delivered nothing." if data["finished"] else "Nothing is delivered yet."
        return f'<section id="delivered" aria-labelledby="h-delivered"><h2 id="h-delivered">Delivered</h2><p>{said}</p></section>'
    totals: dict[str, int] = {}
    for one in files:
        totals[one["target"]] = totals.get(one["target"], 0) + one["rows"]
    rows = [
        [
            f"<code>{isolated(one['path'])}</code>",
            isolated(one["split"] or "–"),
            number(one["rows"]),
            percent(one["rows"], totals[one["target"]]),
            size(one["size"]),
            f'<code class="sha" title="{esc(one["sha256"])}">{esc(one["sha256"])}</code>',
        ]
        for one in files
    ]
    sums = "\n".join(f"{one['sha256']}  {one['path']}" for one in files)
    return (
        '<section id="delivered" aria-labelledby="h-delivered"><h2 id="h-delivered">Delivered</h2>'
        + table(["file", "split", "rows", "share", "size", "sha256"], rows, right=(2, 3, 4))
        + f"<details><summary>Check sums in full</summary><p>For <code>sha256sum -c</code> in the workspace:</p><pre>{text(sums)}</pre></details></section>"
    )


# -- the end ------------------------------------------------------------------------------------


def _quarantined(data: dict[str, Any]) -> str:
    told = data["quarantined"]
    head = '<section id="quarantined" aria-labelledby="h-quarantined"><h2 id="h-quarantined">Lines that could not be read</h2>'
    if not told["count"]:
        return f"{head}<p>None: every line was read.</p></section>"
    causes = ", ".join(f"<code>{esc(cause)}</code> {n:,}" for cause, n in told["causes"].items())
    rows = [
        [
            f"<code>{isolated(line['file'])}:{number(line['line']) if line['line'] is not None else '?'}</code>",
            f"<code>{esc(line['cause'])}</code>",
            isolated(line["message"]),
        ]
        for line in told["lines"]
    ]
    shown = "" if len(rows) >= told["count"] else f" The first {len(rows):,} are:"
    said = f"<p>{count(told['count'], 'line')}{f': {causes}' if causes else ''}.{shown}</p>"
    return head + said + (table(["line", "cause", "what is wrong"], rows) if rows else "") + "</section>"


def _choices(data: dict[str, Any]) -> str:
    told = data.get("choices")
    if not told:
        return ""
    lines = "".join(f"<li>{isolated(sentence(choice))}</li>" for choice in told)
    return f'<section id="choices" aria-labelledby="h-choices"><h2 id="h-choices">What people chose</h2><ul>{lines}</ul></section>'


def _privacy(data: dict[str, Any]) -> str:
    privacy = data.get("privacy")
    if not privacy:
        return ""
    lines = "".join(f"<li>{esc(one).replace('`', '')}</li>" for one in sentences(privacy))
    return f'<section id="privacy" aria-labelledby="h-privacy"><h2 id="h-privacy">Personal data</h2><ul>{lines}</ul></section>'


def _sources(data: dict[str, Any]) -> str:
    rows = [
        [
            f"<code>{isolated(one['path'])}</code>",
            number(one["rows"]),
            number(one["bad"]),
            size(one["size"]),
            f'<code class="sha" title="{esc(one["hash"])}">{esc(one["hash"])}</code> {esc(one["hash_kind"])}'
            if one["hash"]
            else "–",
        ]
        for one in data["sources"]
    ]
    inner = (
        table(["file", "rows", "unreadable", "size", "content"], rows, right=(1, 2, 3))
        if rows
        else "<p>No files were read.</p>"
    )
    return f'<section id="sources" aria-labelledby="h-sources"><h2 id="h-sources">Sources</h2>{inner}</section>'


def _money(cost: dict[str, Any]) -> str:
    """What models cost in this run, and in all runs of the recipe: a run that asks nothing again was paid for before."""
    usd, every = cost.get("usd"), cost.get("in_all") or {"calls": 0, "usd": 0.0, "unknown": 0}
    if not usd and not every["usd"] and not every["unknown"]:
        return "Nothing was paid for: no step asked a paid model."
    here = "a sum that is not known" if usd is None else f"<b>{usd:,.4f} USD</b>"
    unknown = f", and {every['unknown']:,} whose cost is not known" if every["unknown"] else ""
    whole = f" All runs of this recipe: {every['usd']:,.4f} USD for {every['calls']:,} calls{unknown}."
    return f"Models cost {here} in this run.{whole if every['calls'] else ''}"


def _making(data: dict[str, Any]) -> str:
    money = _money(data["cost"])
    parts = [
        f'<section id="making" aria-labelledby="h-making"><h2 id="h-making">How it was made</h2><h3>What it cost</h3><p>{money} {_time(data)}</p>'
    ]
    stages = [(k.removeprefix("stage: "), v) for k, v in data["seconds"].items() if k.startswith("stage: ")]
    whole = [(k, v) for k, v in data["seconds"].items() if not k.startswith("stage: ")]
    if whole:
        rows = [[esc(name), seconds(v)] for name, v in whole]
        rows += [[f'<span class="sub">{esc(name)}</span>', seconds(v)] for name, v in stages]
        parts.append(f"<details><summary>Time by stage</summary>{table(['stage', 'time'], rows, right=(1,))}</details>")
    steps = [s for s in data["steps"] if s["reused_rows"] is not None]
    if steps:
        rows = [
            [
                f"<code>{isolated(s['name'])}</code>",
                number(s["in"]),
                number(s["reused_rows"]),
                percent(s["reused_rows"], s["in"]),
                seconds(s["seconds"]),
            ]
            for s in steps
        ]
        head = ["step", "rows in", "reused", "share", "worker time"]
        parts.append(
            f"<details><summary>What was reused, step by step</summary>{table(head, rows, right=(1, 2, 3, 4))}</details>"
        )
    parts.append(_rebuild(data))
    return "".join(parts) + "</section>"


def _time(data: dict[str, Any]) -> str:
    total = data["seconds"].get("total")
    rows_in = sum(s["in"] for s in data["steps"] if s["reused_rows"] is not None)
    reused = sum(s["reused_rows"] or 0 for s in data["steps"])
    said = f"The run took <b>{seconds(total)}</b>." if total is not None else ""
    if rows_in:
        said += f" Of {rows_in:,} outcomes, {reused:,} ({percent(reused, rows_in)}) were known from an earlier run."
    return said


def _rebuild(data: dict[str, Any]) -> str:
    versions = ", ".join(
        f"{esc(name)} {esc(v)}" for name, v in {"tamis": data["tamis"], **data["versions"]}.items() if v
    )
    seed = f"Seed <b>{esc(data['seed'])}</b>. " if data["seed"] is not None else ""
    decisions = data["decisions"].get("length")
    pinned = (
        f" People's decisions: the first {number(decisions)} bytes of their file, sha256 <code>{esc(data['decisions'].get('sha256', '')[:12])}…</code>."
        if decisions
        else ""
    )
    yaml = data["recipe"]["yaml"]
    recipe = f'<details><summary>The recipe</summary><pre dir="auto">{text(yaml)}</pre></details>' if yaml else ""
    licence = f" The delivery's licence: {isolated(data['recipe']['license'])}." if data["recipe"]["license"] else ""
    return (
        "<h3>How to build it again</h3><p>The same sources, recipe, decisions and versions give the same data files, byte for byte: "
        f"</p><pre>tamis run RECIPE.yaml</pre><p>{seed}Versions: {versions or 'not recorded'}.{pinned}{licence}</p>{recipe}"
    )


def _footer(data: dict[str, Any]) -> str:
    mark = data["recipe"]["fingerprint"]
    told = f" Recipe fingerprint <code>{esc(mark[:16])}</code>." if mark else ""
    return (
        f"<footer><p>Drawn from the run folder alone; nothing on this page is loaded from anywhere.{told}</p></footer>"
    )
