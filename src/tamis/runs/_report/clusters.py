"""The page of `tamis clusters compare`: clusterings beside each other, one file, drawn from `cluster_compare.compared` alone."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from .markup import esc, isolated, number, table, text
from .style import STYLE

#: segments of a bar, by place; the last stands for all others
SHADES = 5

MORE = """
body { max-width: 92rem; }
#clusters h3 { margin-top: 0; }
.side { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(21rem, 1fr); gap: 1.4rem; overflow-x: auto; padding-bottom: 1rem; }
.side > section { min-width: 0; margin: 0; }
.card { background: var(--sheet); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; margin: 0 0 .9rem; }
.card h4 { margin: 0; display: flex; gap: .6rem; align-items: baseline; }
.card h4 bdi { flex: 1; min-width: 0; }
.card .n { font-weight: 400; color: var(--soft); font-size: .88rem; }
.card .size { height: .35rem; display: block; width: 100%; margin: .35rem 0 .5rem; }
.size rect, .mix .m0 { fill: var(--kept); }
.phrases { color: var(--soft); font-size: .88rem; margin: 0 0 .5rem; }
.low { color: var(--dropped-t); }
ol.rows { list-style: none; margin: 0; padding: 0; font-size: .92rem; }
ol.rows li { margin: 0; padding: .3rem 0; border-top: 1px solid var(--line); max-height: 8.2em; overflow: hidden; }
.flowline { display: grid; grid-template-columns: minmax(0, 30rem) minmax(0, 1fr); gap: .3rem 1.4rem; align-items: center; padding: .25rem 0; border-bottom: 1px solid var(--line); font-size: .92rem; }
.mix { width: 100%; height: .9rem; display: block; }
.mix .m1 { fill: var(--merged); } .mix .m2 { fill: var(--held); } .mix .m3 { fill: var(--dropped); } .mix .m4 { fill: var(--line); }
@media screen and (max-width: 700px) {
  .side { grid-auto-flow: row; grid-auto-columns: auto; grid-template-columns: minmax(0, 1fr); }
  .flowline { grid-template-columns: minmax(0, 1fr); }
}
@media print { .side { display: block; } .card { break-inside: avoid; } }
"""


def page(told: dict[str, Any]) -> str:
    """The comparison as HTML. The same value gives the same text."""
    names = {one["clustering"]: _name(one, told["clusterings"]) for one in told["clusterings"]}
    style = STYLE + MORE
    policy = f"default-src 'none'; style-src '{_hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    links = [
        ("table", "Figures"),
        ("flow", "What splits"),
        *([("tests", "Blind tests")] if told["tests"] else []),
        ("clusters", "Clusters"),
    ]
    nav = "".join(f'<a href="#{anchor}">{word}</a>' for anchor, word in links)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n'
        f"<title>{esc(told['recipe'])}: clusterings</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#clusters">Skip to the clusters</a><header><p class="over">Tamis clusterings · run {esc(told["run"])}</p>'
        f'<h1>{isolated(told["recipe"])}</h1></header><nav aria-label="On this page">{nav}</nav><main>'
        f"{_figures(told, names)}{_flows(told, names)}{_tests(told, names)}{_clusters(told, names)}</main></body>\n</html>\n"
    )


def _name(one: dict[str, Any], every: list[dict[str, Any]]) -> str:
    alike = sum(other["step"] == one["step"] for other in every)
    return str(one["step"] if alike == 1 else one["clustering"])


def _figures(told: dict[str, Any], names: dict[str, str]) -> str:
    figures = list(dict.fromkeys(f["name"] for one in told["clusterings"] for f in one["hints"]))
    rows = []
    for one in told["clusterings"]:
        sizes = [card["rows"] for card in one["cards"]] or [0]
        mine = {f["name"]: f for f in one["hints"]}
        settings = ", ".join(
            f"{k}: {v}" for k, v in one["parameters"].items() if k not in ("name_by",) and v is not None
        )
        state = [f"chosen by {one['chosen']}"] if one["chosen"] else []
        state += [f"shortlisted by {', '.join(one['shortlisted'])}"] if one["shortlisted"] else []
        state += [f"{one['looked']} of {one['clusters']} looked at"] if one["looked"] else []
        rows.append(
            [
                f"<b>{isolated(names[one['clustering']])}</b><br><span class=\"m\">{esc(one['use'])} · {isolated(settings)}</span>",
                number(len(one["cards"])), number(max(sizes)), number(min(sizes)), number(one["outliers"]),
                *(_figure(mine.get(name)) for name in figures), isolated("; ".join(state) or "–"),
            ]
        )  # fmt: skip
    head = ["clustering", "clusters", "largest", "smallest", "outliers", *figures, "people"]
    made = table(head, rows, right=tuple(range(1, len(head) - 1)))
    return f'<section id="table" aria-labelledby="h-table"><h2 id="h-table">Figures</h2>{made}<p class="note">{esc(told["hint"])}</p></section>'


def _figure(one: dict[str, Any] | None) -> str:
    if one is None or one["value"] is None:
        return "–"
    ends = "" if one["low"] is None else f'<br><span class="m">{one["low"]:.2f} to {one["high"]:.2f}</span>'
    return f"{one['value']:.3f}{ends}"


def _flows(told: dict[str, Any], names: dict[str, str]) -> str:
    if not told["flows"]:
        return ""
    parts = []
    for flow in told["flows"]:
        by_a: dict[int, list[tuple[int, int]]] = {}
        for a, b, n in flow["links"]:
            by_a.setdefault(a, []).append((n, b))
        lines = []
        for sentence, a in zip(flow["sentences"], sorted(by_a), strict=True):
            lines.append(
                f'<div class="flowline"><span>{text(sentence)}</span>{_mix(sorted(by_a[a], reverse=True))}</div>'
            )
        title = f"{isolated(names[flow['a']])} in {isolated(names[flow['b']])}"
        parts.append(
            f"<details{' open' if len(told['flows']) == 1 else ''}><summary>{title}</summary>{''.join(lines)}</details>"
        )
    return f'<section id="flow" aria-labelledby="h-flow"><h2 id="h-flow">What splits into what</h2>{"".join(parts)}</section>'


def _mix(parts: list[tuple[int, int]]) -> str:
    """A bar of where a cluster's rows go, the largest part first."""
    whole, x, found = sum(n for n, _ in parts), 0.0, []
    main, rest = parts[: SHADES - 1], sum(n for n, _ in parts[SHADES - 1 :])
    for place, (n, b) in enumerate([*main, *([(rest, -2)] if rest else [])]):
        wide = 100 * n / whole
        told = "others" if b == -2 else "outliers" if b < 0 else f"cluster {b}"
        found.append(
            f'<rect class="m{place}" x="{x:.2f}" width="{max(0.3, wide - 0.3):.2f}" height="9"><title>{told}: {n:,} rows</title></rect>'
        )
        x += wide
    return f'<svg class="mix" viewBox="0 0 100 9" preserveAspectRatio="none" aria-hidden="true">{"".join(found)}</svg>'


def _tests(told: dict[str, Any], names: dict[str, str]) -> str:
    rows = []
    for test in told["tests"]:
        for kind, figures in (("pairs where people hold with it", test["wins"]), ("odd rows found", test["odd"])):
            rows += [[f"{isolated(names[f['name']])}", kind, _share(f), number(f["n"])] for f in figures]
        verdict = test["verdict"]
        for clustering, name in names.items():
            verdict = verdict.replace(clustering, name)
        rows.append([f"<b>{isolated(verdict)}</b>", f"{test['answers']:,} answers, {test['people']} people", "", ""])
    if not rows:
        return ""
    made = table(["clustering", "what", "share, 95% interval", "of"], rows, right=(2, 3))
    return f'<section id="tests" aria-labelledby="h-tests"><h2 id="h-tests">Blind tests</h2>{made}</section>'


def _share(one: dict[str, Any]) -> str:
    return "–" if one["value"] is None else f"{one['value']:.0%} ({one['low']:.0%} to {one['high']:.0%})"


def _clusters(told: dict[str, Any], names: dict[str, str]) -> str:
    columns = []
    for one in told["clusterings"]:
        most = max((card["rows"] for card in one["cards"]), default=1)
        cards = "".join(_card(card, most) for card in one["cards"])
        columns.append(f"<section><h3>{isolated(names[one['clustering']])}</h3>{cards}</section>")
    return f'<section id="clusters" aria-labelledby="h-clusters"><h2 id="h-clusters">Clusters</h2><div class="side" tabindex="0" role="group" aria-label="Clusterings side by side">{"".join(columns)}</div></section>'


def _card(card: dict[str, Any], most: int) -> str:
    out = f", {card['outliers']:,} outliers" if card["outliers"] else ""
    fit = card["accuracy"]
    held = (
        ""
        if fit is None
        else f'<p class="phrases{" low" if fit < 0.6 else ""}">{fit:.0%} of the texts held back fit the name</p>'
    )
    bar = f'<svg class="size" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width="{100 * card["rows"] / most:.2f}" height="4"/></svg>'
    about = f"<p>{isolated(card['description'])}</p>" if card["description"] else ""
    rows = "".join(f"<li>{isolated(one['text'] or '(the text is gone)')}</li>" for one in card["central"])
    edge = "".join(f"<li>{isolated(one['text'] or '(the text is gone)')}</li>" for one in card["boundary"])
    border = f'<details><summary>At the border</summary><ol class="rows">{edge}</ol></details>' if edge else ""
    return (
        f'<article class="card"><h4><span class="no">{card["cluster"]}</span>{isolated(card["name"])}<span class="n">{card["rows"]:,} rows{out}</span></h4>'
        f'{bar}{about}{held}<p class="phrases">{isolated(", ".join(card["phrases"]))}</p><ol class="rows">{rows}</ol>{border}</article>'
    )


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
