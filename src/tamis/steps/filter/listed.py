"""filter.listed"""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns
from tamis.core.errors import DataError, did_you_mean
from tamis.core.outcome import Verdict, drop
from tamis.core.step import Reasons, RowStep

#: above this many allowed combinations, or this many characters, no nearest one is looked for
NEAREST_OF, NEAREST_CHARACTERS = 2000, 200
JOIN = " / "


class Allowed(NamedTuple):
    """What a list allows: combinations as compared, and as written (joined with " / ")."""

    keys: pl.DataFrame
    written: dict[str, str]


class Listed(RowStep):
    """Drop rows whose label, or combination of labels, is not in a list.

    ## What it does
    Compares the row's `columns`, taken together, with the combinations in `file` (a CSV, TSV, JSON Lines or Parquet
    file with columns of those names; others are ignored). A missing value is allowed where the file has an empty
    cell. The evidence names the value and the nearest one allowed.

    ## Why
    A label outside the scheme, or a sub-category under the wrong category, becomes a class of its own in training.

    ## Example
    >>> import tempfile
    >>> from tamis.testing import run_step
    >>> labels = Path(tempfile.mkdtemp()) / "labels.csv"
    >>> _ = labels.write_text("category,sub_category\\nbilling,refund\\nbilling,invoice\\n")
    >>> rows = [{"category": "billing", "sub_category": "refund"}, {"category": "billing", "sub_category": "refnd"}]
    >>> result = run_step(Listed(file=labels, columns=("category", "sub_category")), rows)
    >>> result.evidence[1]
    {'value': 'billing / refnd', 'nearest': 'billing / refund'}
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (not_listed 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_listed": "the values of `columns` are no combination that `file` lists"}

    file: Path = Field(description="The list: CSV, TSV, JSON Lines or Parquet, relative to the recipe.")
    columns: tuple[str, ...] = Field(
        min_length=1, description="Columns compared; the file has columns of the same names."
    )
    ignore_case: bool = Field(
        False, description="Whether capitals, and white space around a value, make no difference."
    )

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        names = [name.rsplit(".", 1)[-1] for name in self.columns]
        if len(set(names)) < len(names):
            raise ValueError(f"columns are named twice: {', '.join(self.columns)}")
        return self

    def reads(self) -> tuple[str, ...]:
        return self.columns

    def files(self) -> tuple[str, ...]:
        return (str(self.file),)

    def judge(self, rows: Columns) -> Verdict:
        stamp = self.file.stat() if self.file.exists() else None
        allowed = _allowed(self.file, self.columns, self.ignore_case, stamp and (stamp.st_mtime_ns, stamp.st_size))
        values = pl.DataFrame([rows[name].cast(pl.String).alias(str(k)) for k, name in enumerate(self.columns)])
        keys = _folded(values, self.ignore_case).with_columns(_joined(values))
        joined = keys.join(allowed.keys, on=values.columns, how="left", nulls_equal=True, maintain_order="left")
        listed = joined["listed"].fill_null(False)
        value = pl.select(pl.when(~listed).then(keys["written"])).to_series()
        distinct = value.drop_nulls().unique()
        nearest = {text: _nearest(text, allowed, self.ignore_case) for text in distinct.to_list()}
        near = value.replace_strict(nearest, return_dtype=pl.String) if nearest else value
        return drop("not_listed", when=~listed, value=value, nearest=near)


def _folded(values: pl.DataFrame, ignore_case: bool) -> pl.DataFrame:
    if not ignore_case:
        return values.with_columns(pl.all().replace("", None))
    return values.with_columns(pl.all().str.strip_chars().str.to_lowercase().replace("", None))


def _joined(values: pl.DataFrame) -> pl.Series:
    return values.select(pl.concat_str(pl.all().fill_null("–"), separator=JOIN).alias("written")).to_series()


def _nearest(text: str, allowed: Allowed, ignore_case: bool) -> str | None:
    if len(allowed.written) > NEAREST_OF or len(text) > NEAREST_CHARACTERS:
        return None
    found = difflib.get_close_matches(text.lower() if ignore_case else text, allowed.written, n=1, cutoff=0.6)
    return allowed.written[found[0]] if found else None


@lru_cache(maxsize=16)
def _allowed(file: Path, columns: tuple[str, ...], ignore_case: bool, stamp: tuple[int, int] | None) -> Allowed:
    """The list, read once while the file stays as it is (`stamp`: time of change and size)."""
    if stamp is None:
        raise DataError(f"filter.listed: no file {str(file)!r}", hint="the path is relative to the recipe's folder")
    try:
        ending = file.suffix.lower()
        if ending in (".jsonl", ".ndjson"):
            table = pl.read_ndjson(file, infer_schema_length=None)
        elif ending == ".parquet":
            table = pl.read_parquet(file)
        else:
            table = pl.read_csv(file, infer_schema=False, separator="\t" if ending == ".tsv" else ",")
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"filter.listed: {str(file)!r} cannot be read: {str(error).splitlines()[0]}") from None
    names = {name: name if name in table.columns else name.rsplit(".", 1)[-1] for name in columns}
    for name, short in names.items():
        if short not in table.columns:
            raise DataError(
                f"filter.listed: {str(file)!r} has no column {name!r}; {did_you_mean(short, table.columns)}"
            )
    values = table.select(pl.col(short).cast(pl.String).alias(str(k)) for k, short in enumerate(names.values()))
    written = _joined(values).to_list()
    compared = [text.lower() for text in written] if ignore_case else written
    keys = _folded(values, ignore_case).unique(maintain_order=True).with_columns(listed=True)
    return Allowed(keys, dict(zip(compared, written, strict=True)))
