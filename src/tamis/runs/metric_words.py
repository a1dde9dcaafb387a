"""Tables of metrics as people read them in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

WIDTH = 34
#: groups shown of a column; the others are counted
SHOWN = 40
_ADJUSTED = {"holm": "p (Holm)", "bh": "p (B-H)", "none": "p"}


def outcome_lines(told: dict[str, Any]) -> Iterator[str]:
    """One outcome, column by column."""
    share = told["measure"] == "share"
    unit = "share" if share else "mean"
    what = f"{told['with_outcome']:,} of {told['rows']:,} rows ({told['which']}) have it"
    users = "" if told["users"] is None else f", of {told['users']:,} users"
    yield f"{told['outcome']}: {unit} {figure(told['value'], share)}{_interval(told['low'], told['high'], share)}; {what}{users}"
    for column in told["by"]:
        yield ""
        yield f"by {column['column']}{_order(column)}"
        head = ["group", "rows", *(["users"] if told["users"] is not None else []), unit, "95%", "difference", "95%", _ADJUSTED[told["adjust"]]]  # fmt: skip
        lines = []
        for group in column["groups"][:SHOWN]:
            users_cell = [f"{group['users']:,}"] if told["users"] is not None else []
            lines.append(
                [
                    _cut(group["group"]), f"{group['rows']:,}", *users_cell, figure(group["value"], share),
                    _range(group["low"], group["high"], share), signed(group["difference"], share),
                    _range(group["difference_low"], group["difference_high"], share), chance(group["adjusted"]),
                ]
            )  # fmt: skip
        yield from _table(head, lines)
        yield from _more(column)
    yield ""
    yield "Difference: the group less all other rows. It goes together with the outcome, which does not say that it is why."
    for caution in told["cautions"]:
        yield f"Note: {caution}."


def reference_lines(told: dict[str, Any]) -> Iterator[str]:
    """A selection against a reference, column by column."""
    yield f"{told['rows']:,} rows ({told['which']}) against {told['reference_rows']:,} ({told['reference']})"
    yield ""
    head = ["column", "total variation", "Jensen-Shannon", "Kolmogorov-Smirnov", _ADJUSTED[told["adjust"]]]
    lines = [
        [_cut(c["column"]), _distance(c["total_variation"]), _distance(c["jensen_shannon"]), _distance(c["kolmogorov_smirnov"]), chance(c["adjusted"])]
        for c in told["by"]
    ]  # fmt: skip
    yield from _table(head, lines)
    for column in told["by"]:
        if not column["groups"]:
            continue
        yield ""
        yield f"by {column['column']}{_quantiles(column)}"
        head = ["group", "rows", "share", "reference", "difference", "95%", "ratio"]
        lines = [
            [
                _cut(g["group"]), f"{g['rows']:,}", figure(g["share"], True), figure(g["reference_share"], True),
                signed(g["difference"], True), _range(g["low"], g["high"], True), "–" if g["ratio"] is None else f"{g['ratio']:.2f}",
            ]
            for g in column["groups"][:SHOWN]
        ]  # fmt: skip
        yield from _table(head, lines)
        yield from _more(column)
    yield ""
    for caution in told["cautions"]:
        yield f"Note: {caution}."


def figure(value: float | None, share: bool) -> str:
    """A share in per cent, a mean with three digits."""
    if value is None:
        return "–"
    return f"{100 * value:.1f}%" if share else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def signed(value: float | None, share: bool) -> str:
    """A difference; those of shares in percentage points."""
    if value is None:
        return "–"
    return f"{100 * value:+.1f}" if share else f"{value:+,.3g}"


def chance(p: float | None) -> str:
    """A probability, with a star below 5%."""
    if p is None:
        return "–"
    return "< 0.001 *" if p < 0.001 else f"{p:.3f}{' *' if p < 0.05 else ''}"


def _order(column: dict[str, Any]) -> str:
    rho = column["spearman"]
    if rho is None or rho["value"] is None:
        return ""
    ends = "" if rho["low"] is None else f" [{rho['low']:+.2f}, {rho['high']:+.2f}]"
    return f": Spearman's rho {rho['value']:+.2f}{ends}, p {chance(column['adjusted'])}"


def _quantiles(column: dict[str, Any]) -> str:
    sides = [column["selected"], column["reference"]]
    if any(side is None or side["quantiles"] is None for side in sides):
        return ""
    told = [" ".join(f"{q:,.3g}" for q in side["quantiles"]) for side in sides]
    return f": 5, 25, 50, 75, 95% at {told[0]} against {told[1]}"


def _distance(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"


def _interval(low: float | None, high: float | None, share: bool) -> str:
    return "" if low is None else f" [{_range(low, high, share)}]"


def _range(low: float | None, high: float | None, share: bool) -> str:
    if low is None or high is None:
        return "–"
    return f"{100 * low:.1f} to {100 * high:.1f}" if share else f"{low:,.3g} to {high:,.3g}"


def _cut(text: str) -> str:
    line = "".join(c if c.isprintable() else "�" for c in str(text).replace("\n", "⏎"))
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def _more(column: dict[str, Any]) -> Iterator[str]:
    rest = len(column["groups"]) - SHOWN
    if rest > 0:
        yield f"  … and {rest} more; --json has all"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(line[k]) for line in [head, *lines]) for k in range(len(head))]
    for line in [head, *lines]:
        cells = [
            cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(line, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()
