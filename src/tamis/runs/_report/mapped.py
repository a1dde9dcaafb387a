"""The section about the map: a small picture, the clusters, and where the map itself is."""

from __future__ import annotations

from typing import Any

from tamis.runs.built import HOW

from .map_page import HIGH, WIDE
from .markup import count, esc, isolated, number, percent, table

#: clusters in the table
MOST = 40


def map_section(data: dict[str, Any]) -> str:
    """The section, where a step laid the rows out; else nothing."""
    told = data.get("map")
    if not told:
        return ""
    head = '<section id="map" aria-labelledby="h-map"><h2 id="h-map">Map</h2>'
    if told.get("gone"):
        return f"{head}<p>The rows' places are gone: {esc(told['gone'])}</p></section>"
    without = f", {number(told['without'])} more have no place" if told["without"] else ""
    said = f"<p>{count(told['points'], 'row')} on the map of <code>{isolated(told['layout'])}</code>{without}. "
    if told["page"]:
        said += f'<a href="{esc(told["page"])}">Open the map</a>: colours, search, lasso, texts.</p>'
    else:
        said += f"The map itself was not written, because its script is not built: <code>{esc(HOW)}</code>, then <code>tamis report</code>.</p>"
    drawn = (
        f'<p><img src="data:image/png;base64,{esc(told["picture"])}" width="{WIDE}" height="{HIGH}" '
        f'alt="{esc(_alt(told))}"></p>'
    )
    clusters = told["clusters"]
    lines = [
        [isolated(one["name"]), number(one["rows"]), percent(one["rows"], told["points"])] for one in clusters[:MOST]
    ]
    listed = table(["cluster", "rows", "share"], lines, right=(1, 2)) if lines else ""
    more = f'<p class="note">… and {len(clusters) - MOST} smaller clusters.</p>' if len(clusters) > MOST else ""
    return head + said + drawn + listed + more + "</section>"


def _alt(told: dict[str, Any]) -> str:
    by = f" in {len(told['clusters'])} clusters of {told['by']}" if told["by"] else ""
    return f"{told['points']} rows as points, near where their texts are alike{by}"
