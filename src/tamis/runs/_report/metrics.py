"""The section about outcomes, and about how the selection differs from a reference."""

from __future__ import annotations

from typing import Any

from tamis.runs.metric_words import chance, figure, signed

from .markup import esc, isolated, number, table

_ADJUSTED = {"holm": "p, adjusted (Holm)", "bh": "p, adjusted (Benjamini-Hochberg)", "none": "p"}


def metrics_section(data: dict[str, Any]) -> str:
    """The section, where the recipe asked for metrics; else nothing."""
    told = data.get("metrics") or {}
    outcomes, references = told.get("outcomes", []), told.get("references", [])
    if not outcomes and not references:
        return ""
    head = '<section id="metrics" aria-labelledby="h-metrics"><h2 id="h-metrics">Metrics</h2>'
    return head + "".join(map(_outcome, outcomes)) + "".join(map(_reference, references)) + "</section>"


def _outcome(told: dict[str, Any]) -> str:
    share = told["measure"] == "share"
    users = "" if told["users"] is None else f", of {told['users']:,} users"
    said = (
        f"{'Share' if share else 'Mean'} {figure(told['value'], share)}{_within(told['low'], told['high'], share)} over "
        f"{told['with_outcome']:,} of {told['rows']:,} rows ({esc(told['which'])}){users}. Intervals are at 95%. A difference is "
        "that of the group to all other rows; it goes together with the outcome, which does not say that it is why."
    )
    parts = [f"<h3>{isolated(told['outcome'])}</h3><p>{said}</p>{_cautions(told)}"]
    for column in told["by"]:
        rows = [
            [
                isolated(g["group"]), number(g["rows"]), *([number(g["users"])] if told["users"] is not None else []),
                figure(g["value"], share) + _within(g["low"], g["high"], share),
                signed(g["difference"], share) + _within(g["difference_low"], g["difference_high"], share), _chance(g["adjusted"]),
            ]
            for g in column["groups"]
        ]  # fmt: skip
        names = ["group", "rows", *(["users"] if told["users"] is not None else []), told["measure"], "difference", _ADJUSTED[told["adjust"]]]  # fmt: skip
        parts.append(_folded(f"by {isolated(column['column'])}{_order(column)}", names, rows))
    return "".join(parts)


def _reference(told: dict[str, Any]) -> str:
    said = (
        f"{told['rows']:,} rows ({esc(told['which'])}) against {told['reference_rows']:,} ({isolated(told['reference'])}). "
        "Distances are 0 where both are alike and 1 where nothing is shared; p is of a distance as large by chance."
    )
    rows = [
        [isolated(c["column"]), _distance(c["total_variation"]), _distance(c["jensen_shannon"]), _distance(c["kolmogorov_smirnov"]), _chance(c["adjusted"])]
        for c in told["by"]
    ]  # fmt: skip
    names = ["column", "total variation", "Jensen-Shannon", "Kolmogorov-Smirnov", _ADJUSTED[told["adjust"]]]
    parts = [f"<h3>The selection against {isolated(told['reference'])}</h3><p>{said}</p>{_cautions(told)}"]
    parts.append(table(names, rows, right=(1, 2, 3, 4)))
    for column in told["by"]:
        lines = [
            [
                isolated(g["group"]), number(g["rows"]), figure(g["share"], True), figure(g["reference_share"], True),
                signed(g["difference"], True) + _within(g["low"], g["high"], True), "–" if g["ratio"] is None else f"{g['ratio']:.2f}",
            ]
            for g in column["groups"]
        ]  # fmt: skip
        names = ["group", "rows", "share", "reference", "difference", "ratio"]
        parts.append(_folded(f"by {isolated(column['column'])}", names, lines))
    return "".join(parts)


def _folded(title: str, names: list[str], rows: list[list[str]]) -> str:
    return f"<details><summary>{title}</summary>{table(names, rows, right=tuple(range(1, len(names))))}</details>"


def _cautions(told: dict[str, Any]) -> str:
    lines = "".join(f"<li>{isolated(one)}</li>" for one in told["cautions"])
    return f'<ul class="note">{lines}</ul>' if lines else ""


def _order(column: dict[str, Any]) -> str:
    rho = column["spearman"]
    if rho is None or rho["value"] is None:
        return ""
    ends = "" if rho["low"] is None else f" ({rho['low']:+.2f} to {rho['high']:+.2f})"
    return f": Spearman’s ρ {rho['value']:+.2f}{ends}, p {esc(chance(column['adjusted']))}"


def _within(low: float | None, high: float | None, share: bool) -> str:
    if low is None or high is None:
        return ""
    ends = f"{100 * low:.1f} to {100 * high:.1f}" if share else f"{low:,.3g} to {high:,.3g}"
    return f" <small>({ends})</small>"


def _chance(p: float | None) -> str:
    told = esc(chance(p))
    return f"<strong>{told}</strong>" if p is not None and p < 0.05 else told


def _distance(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"
