"""Tables that are typed already: Polars frames, Parquet and Arrow files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl
import xxhash
from numpy.typing import NDArray

from tamis.core.errors import DataError
from tamis.core.fingerprint import fingerprint
from tamis.core.origin import RAW_LIMIT, Batch, Cut, Found, Input, Kind, Reading, Slice, settle

from ._cells import KEPT_BAD, Bad, from_text, masked
from ._ipc import batches
from ._open import BLOCK, Broken, open_file, unchanged

TableFormat = Literal["parquet", "arrow", "arrow_stream"]

#: bytes on disk that go into one slice; compressed tables hold a few times as much
SLICE_ON_DISK = 8 << 20

_FAULTS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, Broken)


def cut_table(what: Input, format: TableFormat) -> Cut:
    """The slices of a Parquet or Arrow file: runs of rows."""
    digest, tail = xxhash.xxh3_128(), b""
    with open_file(what) as file:
        head = file.read(8)
        file.seek(0)
        while block := file.read(BLOCK):
            digest.update(block)
            tail = (tail + block[-6:])[-6:]
    word = {"parquet": "Parquet", "arrow": "Arrow"}.get(format, "Arrow stream")
    magic = {"parquet": b"PAR1", "arrow": b"ARROW1"}.get(format)
    if magic is not None and not head.startswith(magic):
        raise DataError(
            f"{what.path} is no {word} file: it does not begin with {magic.decode()}", hint="name its `format:`"
        )
    if magic is not None and not tail.endswith(magic):
        raise DataError(
            f"{what.path} has no {word} footer: the file is cut off; 0 rows of it can be read",
            hint="fetch the file again",
        )
    try:
        rows = _count(what, format)
    except _FAULTS as error:
        raise _damaged(what, word, error) from None
    unchanged(what)
    content = digest.hexdigest()
    step = 1000 if rows == 0 else min(200_000, max(1000, SLICE_ON_DISK * rows // max(1, what.size)))
    slices = []
    for start in range(0, rows, step):
        stop = min(rows, start + step)
        size = what.size * (stop - start) // rows
        slices.append(Slice(what.path, start, stop, start + 1, fingerprint(content, start, stop), size, format))
    return Cut(tuple(slices), content, sequential=True)


def _damaged(what: Input, word: str, error: BaseException) -> DataError:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(
        f"{what.path} cannot be read as {word}: {text}; nothing of it is used", hint="fetch the file again"
    )


def _count(what: Input, format: TableFormat) -> int:
    if format == "arrow_stream":
        return sum(frame.height for frame in _stream(what))
    scan = pl.scan_parquet if format == "parquet" else pl.scan_ipc
    return int(scan(what.place).select(pl.len()).collect().item())


def _stream(what: Input) -> Iterator[pl.DataFrame]:
    """The batches of an Arrow IPC stream."""
    with open_file(what) as file:
        yield from batches(file)


def _frames(what: Input, format: TableFormat, step: int) -> Iterator[pl.DataFrame]:
    """The rows of a file in frames of `step` rows."""
    if format == "arrow_stream":
        chunks = _stream(what)
    else:
        scan = pl.scan_parquet(what.place) if format == "parquet" else pl.scan_ipc(what.place)
        chunks = iter(scan.collect_batches(chunk_size=step, maintain_order=True, engine="streaming"))
    waiting: list[pl.DataFrame] = []
    held = 0
    for chunk in chunks:
        waiting.append(chunk)
        held += chunk.height
        while held >= step:
            whole = pl.concat(waiting) if len(waiting) > 1 else waiting[0]
            yield whole[:step]
            waiting, held = [whole[step:]], held - step
    if held:
        yield pl.concat(waiting)


def read_table(
    what: Input,
    slices: Sequence[Slice],
    format: TableFormat,
    *,
    types: Mapping[str, Kind],
    wanted: Mapping[str, Reading] | None,
) -> Iterator[Batch]:
    """The rows of slices of a Parquet or Arrow file. `line` counts rows."""
    unchanged(what)
    if not slices:
        return
    step = max(part.stop - part.start for part in slices)
    wanted_at = {part.start: part for part in slices}
    at = 0
    try:
        for frame in _frames(what, format, step):
            if at in wanted_at:
                yield batch_of(frame, at + 1, what.path, types, wanted)
            at += frame.height
            if at > slices[-1].start:
                break
    except _FAULTS as error:
        raise _damaged(what, format.capitalize(), error) from None
    unchanged(what)


def batch_of(
    frame: pl.DataFrame, first_row: int, where: str, types: Mapping[str, Kind], wanted: Mapping[str, Reading] | None
) -> Batch:
    """The rows of a frame, its types brought to ours: dates, times and decimals are text, nested values JSON,
    binary is hexadecimal text, NaN is null, and a row with an infinite number is bad."""
    bad = Bad()
    lines = np.arange(first_row, first_row + frame.height, dtype=np.uint64)
    odd = np.zeros(frame.height, np.bool_)
    columns: dict[str, pl.Series] = {}
    readings: dict[str, Reading] = {}
    found: dict[str, Found] = {}
    warnings: list[str] = []
    for name in frame.columns:
        series = frame[name]
        if series.dtype.is_float() and bool((infinite := series.is_infinite().fill_null(False)).any()):
            mask = infinite.to_numpy()
            _report(frame, bad, lines, mask & ~odd, "nan", f"`{name}` is infinite", name)
            odd |= mask
        if series.dtype == pl.Binary and types.get(name) != "text":
            warnings.append(
                f"{where}: `{name}` is binary, kept as hexadecimal text (`types: {{{name}: text}}` reads UTF-8)"
            )
        plain, wrong = _plain(series, where, types.get(name))
        if types.get(name) is not None:
            readings[name] = types[name]
            found[name] = (
                {types[name]: (frame.height - plain.null_count(), first_row)}
                if plain.null_count() < frame.height
                else {}
            )
            if plain.dtype != pl.String:
                plain = plain.cast(pl.String)
            if types[name] not in ("text",) and not (types[name] == "json" and series.dtype.is_nested()):
                plain, mismatch = from_text(plain, types[name])
                wrong = wrong | mismatch
        else:
            found[name] = _sorts(plain, series.dtype, first_row)
            readings[name] = wanted[name] if wanted is not None and name in wanted else settle(found[name])[0]
            plain, mismatch = _read_as(plain, series.dtype, readings[name])
            wrong = wrong | mismatch
        if wrong.any():
            _report(frame, bad, lines, wrong & ~odd, "type_mismatch", f"`{name}` is not {readings[name]}", name)
            odd |= wrong
        columns[name] = plain
    if odd.any():
        keep = pl.Series(~odd)
        columns = {name: column.filter(keep) for name, column in columns.items()}
        lines = lines[~odd]
    return Batch(columns, readings, lines, bad.lines, bad.counts, found, warnings=warnings)


def _plain(series: pl.Series, where: str, forced: Kind | None) -> tuple[pl.Series, NDArray[np.bool_]]:
    """A column as one of our types (wide integers stay as they are), and which rows cannot be."""
    t = series.dtype
    none = np.zeros(len(series), np.bool_)
    if t.is_integer():
        wide = t in (pl.UInt64, pl.Int128, pl.UInt128)
        known = series.cast(pl.Int64, strict=False)
        fits = not wide or known.null_count() == series.null_count()
        return (known if fits else series), none
    if t.is_float():
        return series.cast(pl.Float64).fill_nan(None), none
    if t in (pl.Boolean, pl.String):
        return series, none
    if t == pl.Null:
        return series.cast(pl.String), none
    if isinstance(t, pl.Categorical | pl.Enum) or t.is_decimal():
        return series.cast(pl.String), none
    if t.is_temporal():
        return series.dt.to_string("iso"), none
    if t == pl.Binary:
        if forced == "text":
            text = pl.Series(series.name, [_decoded(value) for value in series.to_list()], dtype=pl.String)
            return text, (series.is_not_null() & text.is_null()).to_numpy()
        return series.bin.encode("hex"), none
    if t.is_nested():
        try:
            encoded = pl.select(pl.struct(series.alias("v")).struct.json_encode()).to_series()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise DataError(f"{where}: column `{series.name}` ({t}) cannot be written as JSON: {error}") from None
        text = encoded.str.strip_prefix('{"v":').str.head(-1)
        return masked(text.alias(series.name), series.is_not_null().to_numpy()), none
    raise DataError(
        f"{where}: column `{series.name}` has the type {t}, which Tamis cannot hold", hint="cast it to text"
    )


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _sorts(plain: pl.Series, origin: pl.DataType, first_row: int) -> Found:
    """The one sort of values in a column (for wide integers perhaps two)."""
    present = len(plain) - plain.null_count()
    if present == 0:
        return {}
    at = first_row + int(plain.is_not_null().arg_max() or 0)
    if plain.dtype == pl.String:
        return {"json" if origin.is_nested() else "text": (present, at)}
    if plain.dtype == pl.Boolean:
        return {"boolean": (present, at)}
    if plain.dtype == pl.Float64:
        return {"number": (present, at)}
    return {"integer" if plain.dtype == pl.Int64 else "big": (present, at)}


def _read_as(plain: pl.Series, origin: pl.DataType, reading: Reading) -> tuple[pl.Series, NDArray[np.bool_]]:
    """The column as it is wanted; values that are of another sort are null, and marked."""
    none = np.zeros(len(plain), np.bool_)
    own = {
        pl.String: "json" if origin.is_nested() else "text",
        pl.Boolean: "boolean",
        pl.Float64: "number",
        pl.Int64: "integer",
    }.get(type(plain.dtype), "big")
    if own == reading or plain.null_count() == len(plain):
        target: Any = {"integer": pl.Int64, "number": pl.Float64, "boolean": pl.Boolean}.get(reading, pl.String)
        return plain.cast(target), none
    if reading == "digits" and own in ("integer", "number", "big"):
        return plain.cast(pl.String), none
    if reading == "number" and own == "integer":
        number = plain.cast(pl.Float64)
        exact = (number.cast(pl.Int64, strict=False) == plain).fill_null(False)
        return masked(number, (exact & plain.is_not_null()).to_numpy()), (plain.is_not_null() & ~exact).to_numpy()
    target = {"integer": pl.Int64, "number": pl.Float64, "boolean": pl.Boolean}.get(reading, pl.String)
    empty = pl.Series(plain.name, [None], dtype=target).new_from_index(0, len(plain))
    return empty, plain.is_not_null().to_numpy()


def _report(
    frame: pl.DataFrame,
    bad: Bad,
    lines: NDArray[np.uint64],
    mask: NDArray[np.bool_],
    cause: str,
    message: str,
    column: str,
) -> None:
    rows = np.flatnonzero(mask)
    for row in rows[:KEPT_BAD].tolist():
        raw = json.dumps(frame.row(row, named=True), ensure_ascii=False, default=str).encode("utf-8", "replace")
        bad.add(int(lines[row]), cause, message, raw[:RAW_LIMIT], column=column)
    if len(rows) > KEPT_BAD:
        bad.counts[cause] += len(rows) - KEPT_BAD
