"""A column as few groups: its values, fifths of its numbers, or months of its days."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from tamis.core.errors import UsageError
from tamis.engine.agreement.codes import Codes, Floats

#: a column has at most so many values; the rarer ones together are `OTHERS`
MOST = 40
#: a column said to be groups has at most so many
MOST_SAID = 400
_DAY = r"^\d{4}-\d{2}-\d{2}(?:$|[T ])"
#: months fewer than which days are counted instead
_MONTHS = 3
NONE, OTHERS = "(none)", "(others)"

Kind = Literal["values", "numbers", "days"]


class Cut(NamedTuple):
    """codes: (n,) the group of each row, into `groups`; numbers: (n,) float64, NaN where there is none, of a column that is cut."""

    column: str
    kind: Kind
    groups: list[str]
    codes: Codes
    numbers: Floats | None


def cut(series: pl.Series, *, bins: int = 5, name: str | None = None, said: Kind | None = None) -> Cut:
    """A column as groups, in an order people expect: by value, by time, or by size of the group.

    Whole numbers of at most 40 values are groups as they are; other numbers are cut into `bins`. said: what it is, where
    that must not be guessed: cluster numbers are values, however many there are. UsageError for lists, structs and bytes, and where nearly every row has a text of its own.

    >>> found = cut(pl.Series("version", [4, 3, 4, None]))
    >>> found.groups, found.codes.tolist()
    (['3', '4', '(none)'], [1, 0, 1, 2])
    """
    name, kind = name or series.name, series.dtype
    if kind.is_nested() or kind in (pl.Binary, pl.Object):
        raise UsageError(f"column {name!r} holds {kind}; groups are made of texts, numbers, days and yes/no")
    if kind == pl.Boolean:
        return _valued(name, series.cast(pl.String), ["false", "true"])
    if not kind.is_numeric():
        text = series.cast(pl.String)
        known = text.drop_nulls()
        known = known.filter(known.str.strip_chars() != "")
        if len(known) and bool(known.str.contains(_DAY).all()):
            return _days(name, text)
        padded = bool(known.str.contains(r"^\s*0\d").any())  # 00417 is a name, not a number
        if said == "values" or not len(known) or padded or known.cast(pl.Float64, strict=False).null_count():
            return _texts(name, text, known, said)
        series = text.str.strip_chars().cast(pl.Float64, strict=False)
    numbers = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    if said == "numbers" or (said is None and (series.n_unique() > MOST or _fractions(numbers))):
        return _binned(name, numbers, bins)
    values = sorted({float(v) for v in numbers[np.isfinite(numbers)]})
    told = [_plain(v) if np.isfinite(v) else None for v in numbers.tolist()]
    most = MOST_SAID if said == "values" else MOST
    return _valued(name, pl.Series(name, told, dtype=pl.String), [_plain(v) for v in values], most)


def _texts(name: str, text: pl.Series, known: pl.Series, said: Kind | None) -> Cut:
    if said is None and len(known) > 50 and known.n_unique() > max(MOST, 0.5 * len(known)):
        raise UsageError(
            f"column {name!r} has {known.n_unique():,} different texts in {len(known):,} rows: they make no groups",
            hint=f"name a column with few values, or a length: length:column:{name.removeprefix('source.')}",
        )
    return _valued(name, text, None, MOST_SAID if said == "values" else MOST)


def outcome(series: pl.Series, name: str | None = None) -> tuple[Literal["share", "mean"], Floats]:
    """A column as an outcome: yes/no as a share of 1, numbers as they are; NaN where there is none.

    Texts are read where each is a number, or each `true` or `false`, `yes` or `no`. UsageError else.

    >>> outcome(pl.Series("accepted", ["true", None, "false"]))
    ('share', array([ 1., nan,  0.]))
    """
    name = name or series.name
    if series.dtype == pl.String:
        words = series.str.strip_chars().str.to_lowercase()
        known = words.drop_nulls().filter(words.drop_nulls() != "")
        for yes, no in (("true", "false"), ("yes", "no")):
            if len(known) and known.is_in([yes, no]).all():
                return "share", words.replace_strict({yes: 1.0, no: 0.0}, default=np.nan, return_dtype=pl.Float64).fill_null(np.nan).to_numpy()  # fmt: skip
        numbers = known.cast(pl.Float64, strict=False)
        if len(known) and numbers.null_count():
            odd = known.filter(numbers.is_null()).sort()[0]
            raise UsageError(f"outcome {name!r} is neither yes/no nor a number: {odd[:60]!r} is among its values")
        series = words.cast(pl.Float64, strict=False)
    if series.dtype != pl.Boolean and not series.dtype.is_numeric() and series.dtype != pl.Null:
        raise UsageError(f"outcome {name!r} holds {series.dtype}; it is yes/no or a number")
    values = series.cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
    values[~np.isfinite(values)] = np.nan
    there = values[~np.isnan(values)]
    if not len(there):
        raise UsageError(f"outcome {name!r} has no value in these {len(series):,} rows")
    return ("share" if np.isin(there, (0.0, 1.0)).all() else "mean"), values


def _fractions(numbers: Floats) -> bool:
    there = numbers[np.isfinite(numbers)]
    return bool((there != np.floor(there)).any())


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6g}"


def _valued(name: str, text: pl.Series, order: list[str] | None, most: int = MOST) -> Cut:
    counts = text.drop_nulls().value_counts(sort=False).sort(["count", text.name], descending=[True, False])
    values: list[str] = counts[text.name].to_list()
    groups = [v for v in order if v in set(values)] if order is not None and len(values) <= most else values[:most]
    rest = len(values) > len(groups)
    places = {value: k for k, value in enumerate(groups)}
    named = [*groups, *([OTHERS] if rest else []), *([NONE] if text.null_count() else [])]
    codes = np.array([len(named) - 1 if v is None else places.get(v, len(groups)) for v in text.to_list()], np.int64)
    return Cut(name, "values", named, codes, None)


def _binned(name: str, numbers: Floats, bins: int) -> Cut:
    there = np.isfinite(numbers)
    codes = np.zeros(len(numbers), np.int64)
    names: list[str] = []
    if there.any():
        values = numbers[there]
        edges = np.unique(np.quantile(values, np.arange(1, bins) / bins, method="lower"))
        edges = edges[edges < values.max()]
        codes[there] = np.searchsorted(edges, values, side="left")
        ends = [f"{edge:.6g}" for edge in edges]
        names = [f"up to {ends[0]}", *(f"above {a}, up to {b}" for a, b in pairwise(ends)), f"above {ends[-1]}"] if ends else ["all"]  # fmt: skip
    if not there.all():
        codes[~there] = len(names)
        names.append(NONE)
    return Cut(name, "numbers", names, codes, np.where(there, numbers, np.nan))


def _days(name: str, text: pl.Series) -> Cut:
    months = text.str.slice(0, 7)
    unit = months if months.drop_nulls().n_unique() >= _MONTHS else text.str.slice(0, 10)
    if unit.drop_nulls().n_unique() > MOST:
        unit = text.str.slice(0, 4) if unit is months else months
    made = _valued(name, unit, sorted(unit.drop_nulls().unique().to_list()))
    return made._replace(kind="days")
