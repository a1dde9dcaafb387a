"""files"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from tamis.core.errors import DataError, did_you_mean
from tamis.core.origin import Cut, Input, Kind, Reading, Slice, Source

Format = Literal["auto", "csv", "tsv", "json", "jsonl", "parquet", "arrow"]
_ENDINGS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".arrows": "arrow",
}
_COMPRESSED = (".gz", ".gzip", ".zst", ".zstd", ".xz")


class Files(Source):
    """Rows from files: CSV, TSV, JSON, JSONL, Parquet, Arrow; plain or compressed with gzip, zstd or xz.

    ## What it does
    Reads every file that `path` names, globs in the order of their bytes. What a file is, its first bytes and its
    name say; compression is never taken from the name. Text must be UTF-8. A line that cannot be read is
    quarantined with its place and the cause; a file that is cut off stops the run.

    In CSV every value is text, an empty cell is the empty text, unless `types:` says otherwise. In JSON a column is
    what most of its values are: text, integer, number, boolean or JSON (objects and arrays, kept as JSON text);
    rows with another kind are quarantined. Whole numbers beyond 64 bits make their column text, as written.
    In Parquet and Arrow dates, times and decimals become text, nested values JSON, binary hexadecimal text, NaN null.

    ## Why
    Readers that guess lose rows in silence: a delimiter seen wrongly, a bad line skipped, a null for a value of the
    wrong type. Here every line is a row or is named.

    ## Example
    >>> Files(path="data/inquiries.csv", id=("inquiry_id",)).label
    'files'
    """

    version: ClassVar[int] = 1

    path: str | tuple[str, ...] = Field(
        description="File, glob (`data/**/*.jsonl`) or a list of them, relative to the recipe."
    )
    format: Format = Field("auto", description="What the files are; by default their first bytes and names say.")
    delimiter: str | None = Field(
        None, description="What separates cells; by default `,` for CSV (the header decides), tab for TSV."
    )
    encoding: Literal["strict", "replace"] = Field(
        "strict", description="Bytes that are no UTF-8: quarantine their line, or replace them by U+FFFD."
    )
    types: dict[str, Kind] = Field({}, description="Kinds of columns: text, integer, number, boolean or json.")
    max_line_mb: int = Field(
        32, ge=4, le=1024, description="Longest line or record, in MB; longer ones are quarantined."
    )
    max_depth: int = Field(128, ge=1, le=500, description="Deepest nesting of JSON, in levels.")
    max_decompressed_gb: float = Field(64.0, gt=0, description="Largest decompressed size of one file, in GB.")
    allow_empty: bool = Field(False, description="Accept files without rows, and globs that match nothing.")

    @model_validator(mode="after")
    def _settings_fit(self) -> Self:
        if not self.path:
            raise ValueError("`path` names no file")
        if self.delimiter is not None and (
            len(self.delimiter) != 1 or not self.delimiter.isascii() or self.delimiter in '"\r\n\0'
        ):
            raise ValueError(f"`delimiter` is one ASCII character and no quote or line end (it is {self.delimiter!r})")
        if self.delimiter is not None and self.format not in ("auto", "csv", "tsv"):
            raise ValueError(f"`delimiter` says nothing for {self.format} files")
        return self

    def inputs(self, root: Path) -> tuple[list[Input], list[str]]:
        found: list[Input] = []
        warnings: list[str] = []
        seen: dict[tuple[int, int], str] = {}
        for pattern in [self.path] if isinstance(self.path, str) else self.path:
            for place in self._places(root, pattern):
                status = _status(place)
                path = _shown(place, root)
                key = (status.st_dev, status.st_ino)
                if key in seen:
                    warnings.append(f"{path} is the same file as {seen[key]}; it is read once")
                    continue
                seen[key] = path
                if status.st_size == 0 and not self.allow_empty:
                    raise DataError(f"{path} is empty (0 bytes)", hint="leave it out, or set `allow_empty: true`")
                found.append(Input(path, str(place), status.st_size, status.st_mtime_ns))
        return found, warnings

    def _places(self, root: Path, pattern: str) -> list[Path]:
        """The files one entry of `path` means."""
        place = root / Path(pattern).expanduser()
        if os.path.lexists(place):
            if place.is_dir():
                raise DataError(f"{pattern} is a folder", hint=f"name the files in it: {pattern.rstrip('/')}/*.jsonl")
            return [place]
        if not glob.has_magic(pattern):
            near = [p.name for p in place.parent.glob("*")] if place.parent.is_dir() else []
            raise DataError(f"no file {pattern} (looked in {place.parent}); {did_you_mean(place.name, near)}")
        matches = [Path(p) for p in glob.glob(str(place), recursive=True)]  # noqa: PTH207
        files = sorted((p for p in matches if not p.is_dir()), key=os.fsencode)
        if not files and not self.allow_empty:
            raise DataError(
                f"no file matches {pattern} (looked from {root})", hint="mend the pattern, or set `allow_empty: true`"
            )
        return files

    def cut(self, what: Input) -> Cut:
        from . import _csv, _json, _table
        from ._open import Blocks

        if what.size == 0:
            return Cut((), "")
        format, blocks = self._format(what)
        if format in ("parquet", "arrow", "arrow_stream"):
            return _table.cut_table(what, format)  # type: ignore[arg-type]
        limit = self.max_line_mb << 20
        blocks = Blocks(what, max_bytes=blocks.max_bytes)
        if format == "jsonl":
            return _json.cut_lines(what, blocks, limit)
        if format == "json":
            return _json.cut_array(what, blocks, limit)
        return _csv.cut_csv(what, blocks, limit, "\t" if format == "tsv" else None, self.delimiter)

    def read(self, what: Input, slices: Sequence[Slice], wanted: dict[str, Reading] | None = None) -> Iterator[Any]:
        from . import _csv, _json, _table

        format, blocks = self._format(what)
        if format in ("parquet", "arrow", "arrow_stream"):
            return _table.read_table(what, slices, format, types=self.types, wanted=wanted)  # type: ignore[arg-type]
        replace = self.encoding == "replace"
        if format in ("csv", "tsv"):
            return _csv.read_csv(what, slices, blocks, types=self.types, wanted=wanted, replace=replace)
        read = _json.read_lines if format == "jsonl" else _json.read_array
        return read(what, slices, blocks, max_depth=self.max_depth, types=self.types, wanted=wanted, replace=replace)

    def reader(self) -> dict[str, Any]:
        fields = ("format", "delimiter", "encoding", "types", "max_line_mb", "max_depth")
        return {
            "files": self.version,
            **{field: value for field, value in self.configuration().items() if field in fields},
        }

    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.id, *self.types]))

    def check_empty(self, what: Input) -> None:
        if not self.allow_empty:
            raise DataError(f"{what.path} holds no rows", hint="leave it out, or set `allow_empty: true`")

    def _format(self, what: Input) -> tuple[str, Any]:
        """What a file is, and its bytes. DataError where nothing says."""
        from ._open import Blocks, Broken, refuse_utf16

        blocks = Blocks(what, max_bytes=int(self.max_decompressed_gb * 2**30))
        try:
            head = next(iter(blocks), b"")[:65536]
        except Broken as error:
            raise DataError(
                f"{what.path}: {error} after 0 bytes, 0 lines; nothing of it is used", hint="fetch the file again"
            ) from None
        refuse_utf16(head[:4], what.path)
        binary = (
            "parquet"
            if head[:4] == b"PAR1"
            else "arrow"
            if head[:6] == b"ARROW1"
            else "arrow_stream"
            if head[:4] == b"\xff\xff\xff\xff"
            else None
        )
        if binary is not None:
            if blocks.compression != "plain":
                raise DataError(
                    f"{what.path} is a {binary} file inside {blocks.compression}",
                    hint="unpack it; the format compresses itself",
                )
            if self.format not in ("auto", "parquet", "arrow"):
                raise DataError(f"{what.path} is a {binary} file, not {self.format}", hint="leave `format:` out")
            return binary, blocks
        if self.format != "auto":
            return self.format, blocks
        ending = _ending(what.path)
        first = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")[:1]
        format = _ENDINGS.get(ending)
        if format in ("csv", "tsv", "jsonl", "parquet", "arrow"):
            return format, blocks
        if first == b"[":
            return "json", blocks
        if first == b"{":
            _refuse_one_object(what.path, head)
            return "jsonl", blocks
        raise DataError(
            f"{what.path}: neither its name nor its first bytes say what it is",
            hint="name its `format:` (csv, tsv, json, jsonl, parquet, arrow)",
        )


def _refuse_one_object(path: str, head: bytes) -> None:
    """DataError where a JSON file holds one object over many lines and not one object a line."""
    first = head.lstrip().split(b"\n", 1)[0].strip()
    if first in (b"{", b'{"') or (first.endswith((b"[", b"{", b",")) and b"\n" in head.strip()):
        raise DataError(
            f"{path} is one JSON object, not rows",
            hint="rows stand in one array [ {…}, … ], or as one object a line (JSONL)",
        )


def _ending(path: str) -> str:
    name = Path(path)
    while name.suffix.lower() in _COMPRESSED:
        name = name.with_suffix("")
    return name.suffix.lower()


def _status(place: Path) -> os.stat_result:
    """The file's status. DataError where it is no regular file that can be read."""
    try:
        status = place.stat()
    except FileNotFoundError:
        raise DataError(f"{place} is a link to a file that is not there") from None
    except OSError as error:
        raise DataError(f"cannot read {place}: {error.strerror or error}") from None
    if not stat.S_ISREG(status.st_mode):
        what = (
            "a folder"
            if stat.S_ISDIR(status.st_mode)
            else "a pipe"
            if stat.S_ISFIFO(status.st_mode)
            else "no regular file"
        )
        raise DataError(f"{place} is {what}", hint="copy what comes out of it to a file first")
    if not os.access(place, os.R_OK):
        raise DataError(f"cannot read {place}: no right to", hint=f"chmod u+r {place}")
    return status


def _shown(place: Path, root: Path) -> str:
    """A path as people see it: relative to the recipe where it lies below it."""
    try:
        path = str(place.relative_to(root))
    except ValueError:
        path = str(place)
    return os.fsencode(path).decode("utf-8", "replace")
