"""Small pictures: histograms and bars, as SVG that takes its colours from the style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .markup import count, esc, isolated, number, percent

WIDTH, HEIGHT = 560.0, 120.0
LOW = 22.0  # room for the axis
WIDEST = 44.0


def histogram(figure: dict[str, Any], title: str) -> str:
    """Kept rows and rows that left, stacked, with the line between them."""
    edges, kept, left = figure["edges"], figure["kept"], figure["left"]
    most = max([1, *(a + b for a, b in zip(kept, left, strict=True))])
    tall = HEIGHT - LOW - 14
    parts = []
    n = len(kept)
    wide = min(WIDEST, WIDTH / n)
    for k in range(n):
        a, b = kept[k], left[k]
        if not a + b:
            continue
        x, gap = k * wide, min(2.0, wide * 0.18)
        high_b = max(1.5, b / most * tall) if b else 0.0
        high_a = max(1.5, a / most * tall) if a else 0.0
        base = HEIGHT - LOW
        told = f"<title>{esc(_range(figure, k))}: {a:,} kept, {b:,} not</title>"
        bars = (
            f'<rect class="gone" x="{x:.1f}" y="{base - high_b:.1f}" width="{wide - gap:.1f}" height="{high_b:.1f}"/>'
            if b
            else ""
        )
        if a:
            bars += f'<rect class="stay" x="{x:.1f}" y="{base - high_b - high_a:.1f}" width="{wide - gap:.1f}" height="{high_a:.1f}"/>'
        parts.append(f"<g>{told}{bars}</g>")
    shown = {w: v for w, v in figure["limits"].items() if edges[0] <= v <= edges[-1]}
    parts += [_limit(figure, edges, wide, word, value) for word, value in shown.items()]
    parts.append(f'<line class="axis" x1="0" x2="{WIDTH:.0f}" y1="{HEIGHT - LOW:.1f}" y2="{HEIGHT - LOW:.1f}"/>')
    parts += _ticks(figure)
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="{esc(title)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _range(figure: dict[str, Any], k: int) -> str:
    low, high = figure["edges"][k], figure["edges"][k + 1]
    if figure["whole"]:
        first, last = int(-(-low // 1)), int(high // 1)
        return number(first) if first >= last else f"{first:,} to {last:,}"
    return f"{number(low)} to {number(high)}"


def _limit(figure: dict[str, Any], edges: Sequence[float], wide: float, word: str, value: float) -> str:
    """A dashed line before the least, or after the most, that was kept."""
    whole = figure["whole"]
    edge = value - 0.5 if word == "least" and whole else value + 0.5 if whole else value
    k = next((i for i in range(len(edges) - 1) if edges[i] <= edge <= edges[i + 1]), 0)
    span = edges[k + 1] - edges[k]
    x = (k + ((edge - edges[k]) / span if span else 0)) * wide - 1
    x = min(max(x, 1), WIDTH - 1)
    label = f"{word} kept: {number(value)}"
    side, shift = ("start", 5) if x < WIDTH / 2 else ("end", -5)
    return (
        f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="2" y2="{HEIGHT - LOW:.1f}"/>'
        f'<text class="m" x="{x + shift:.1f}" y="11" text-anchor="{side}">{esc(label)}</text>'
    )


def _ticks(figure: dict[str, Any]) -> list[str]:
    """A few values under the axis."""
    n = len(figure["edges"]) - 1
    chosen = sorted({round(k * (n - 1) / 5) for k in range(6)}) if n > 6 else list(range(n))
    wide = min(WIDEST, WIDTH / n)
    whole, single = figure["whole"], figure["scale"] == "values"
    parts = []
    for k in chosen:
        low = figure["edges"][k]
        value = max(-(-low // 1) if whole else low, figure["low"]) if k == 0 else -(-low // 1) if whole else low
        anchor, x = ("middle", (k + 0.5) * wide) if single else ("start", k * wide)
        if k == n - 1 and not single:
            anchor, x, value = "end", n * wide, figure["high"]
        parts.append(f'<text class="m" x="{x:.1f}" y="{HEIGHT - 6:.0f}" text-anchor="{anchor}">{number(value)}</text>')
    return parts


def overlay(length: dict[str, Any], title: str) -> str:
    """Two distributions over the same bins: an outline before, filled after; each as a share of its own rows."""
    before, after = length["before"]["counts"], length["after"]["counts"]
    total_b, total_a = max(1, sum(before)), max(1, sum(after))
    most = max([1e-9, *(c / total_b for c in before), *(c / total_a for c in after)])
    base, tall = HEIGHT - LOW, HEIGHT - LOW - 6
    n = len(after)
    wide = min(WIDEST, WIDTH / n)
    parts = []
    for k in range(n):
        high = after[k] / total_a / most * tall
        if after[k]:
            high = max(1.5, high)
            parts.append(
                f'<rect class="stay" x="{k * wide:.1f}" y="{base - high:.1f}" width="{wide - min(2.0, wide * 0.18):.1f}" height="{high:.1f}"/>'
            )
    points = []
    for k in range(n):
        y = base - before[k] / total_b / most * tall
        points += [f"{k * wide:.1f} {y:.1f}", f"{(k + 1) * wide:.1f} {y:.1f}"]
    if sum(before):
        parts.append(f'<path class="before" d="M0 {base:.1f}L{"L".join(points)}L{n * wide:.1f} {base:.1f}"/>')
    sides = [length[side] for side in ("before", "after") if length[side]["rows"]]
    low, high = min(s["least"] for s in sides), max(s["most"] for s in sides)
    scale = "widths" if length["edges"][-1] - length["edges"][0] > n else "values"
    figure = {"edges": length["edges"], "scale": scale, "whole": True, "low": low, "high": high}
    parts.append(f'<line class="axis" x1="0" x2="{WIDTH:.0f}" y1="{base:.1f}" y2="{base:.1f}"/>')
    parts += _ticks(figure)
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="{esc(title)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def bars(rows: Sequence[dict[str, Any]], head: str, *, others: dict[str, Any] | None = None) -> str:
    """Values with a bar of kept rows and rows that left."""
    most = max([1, *(row["kept"] + row["left"] for row in rows)])
    total = sum(row["kept"] + row["left"] for row in rows) + (others["kept"] + others["left"] if others else 0)
    lines = [_bar_line(isolated(str(row["value"])), row["kept"], row["left"], most, total) for row in rows]
    if others:
        word = count(others["values"], "other value")
        lines.append(_bar_line(f"<i>{word}</i>", others["kept"], others["left"], most, total, draw=False))
    gone = any(row["left"] for row in rows)
    cells = f'<th scope="col">{esc(head)}</th><th scope="col" class=n>kept</th>' + (
        '<th scope="col" class=n>not</th>' if gone else ""
    )
    if not gone:
        lines = [line.replace('<td class="n left">0</td>', "") for line in lines]
    return (
        f'<div class="scroll" tabindex="0"><table class="bars"><thead><tr>{cells}<th scope="col" class="bar-h"><span class="sr">share</span></th>'
        f'<th scope="col" class=n>share</th></tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    )


def _bar_line(name: str, kept: int, left: int, most: int, total: int, *, draw: bool = True) -> str:
    return (
        f'<tr><th scope="row">{name}</th><td class=n>{kept:,}</td><td class="n left">{left:,}</td>'
        f'<td class="bar">{bar(kept, left, most) if draw else ""}</td><td class=n>{percent(kept + left, total)}</td></tr>'
    )


def bar(kept: float, left: float, most: float) -> str:
    """One bar."""
    a = max(2.0, 200 * kept / most) if kept else 0.0
    b = max(2.0, 200 * left / most) if left else 0.0
    stay = f'<rect class="stay" width="{a:.1f}" height="9"/>' if a else ""
    gone = f'<rect class="gone" x="{a:.1f}" width="{b:.1f}" height="9"/>' if b else ""
    return f'<svg viewBox="0 0 202 9" preserveAspectRatio="none" aria-hidden="true" xmlns="http://www.w3.org/2000/svg">{stay}{gone}</svg>'
