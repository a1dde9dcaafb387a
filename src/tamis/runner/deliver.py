"""Delivery: files are written into a hidden folder beside the target, read again, and swapped in as a whole.

Killed at any instruction, the target is either the old delivery or the new one, both whole:

    .NAME.new            what is being written; swept at the next start
    NAME                 the delivery: data, README.md, SHA256SUMS and, written last, manifest.json
    .NAME.versions/<id>  the delivery before it
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis import __version__
from tamis.core.errors import CorruptFile, DataError, UsageError
from tamis.core.fingerprint import fingerprint
from tamis.core.origin import Delivered, Sink
from tamis.engine.failpoint import failpoint
from tamis.engine.store import disk_error, sync, write_json

from ._staged import BLOCK, StagedFile
from ._standing import Standing
from ._swap import MANIFEST, claim, discard, prune, published, recover, swap_in

CARD, SUMS = "README.md", "SHA256SUMS"
_FIRST_SPLITS = ("train", "validation", "test")

Card = str | Callable[[list[Delivered]], str]
Facts = Mapping[str, Any] | Callable[[list[Delivered]], Mapping[str, Any]]


class Encoded(NamedTuple):
    """One split's rows of a chunk. positions: where they stood in it; data: None where the sink does not grow."""

    split: str | None
    positions: NDArray[np.int64]
    rows: pl.DataFrame
    data: bytes | memoryview | None


@dataclass
class _Growing:
    """The file that a split is being written to, or the rows waiting for one."""

    files: list[StagedFile]
    waiting: list[pl.DataFrame]
    begun: tuple[int, int] = (0, 0)


class Target:
    """A sink at work: `encode` chunks (on any thread), `append` them in row order.

    columns: what chunks must hold, besides `split`; a column that a chunk lacks is null in it.
    """

    def __init__(
        self, publisher: Publisher, sink: Sink, schema: Mapping[str, pl.DataType], json_columns: Collection[str]
    ) -> None:
        self.sink, self.json_columns = sink, frozenset(json_columns)
        self.columns = sink.columns(list(schema))
        self._all = dict(schema)
        self.schema = {name: schema.get(name, pl.String()) for name in self.columns}
        self._publisher = publisher
        self._splits: dict[str | None, _Growing] = {}

    def complete(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The sink's columns of a chunk, missing ones as nulls."""
        missing = [
            pl.lit(None, dtype=dtype).alias(name) for name, dtype in self.schema.items() if name not in rows.columns
        ]
        rows = rows.with_columns(missing) if missing else rows
        return rows.select(pl.col(name).cast(dtype) for name, dtype in self.schema.items())

    def described(self) -> list[dict[str, str]]:
        """Name, type and origin of each delivered column."""
        return self.sink.described(self._all, json_columns=self.json_columns)

    def encode(self, rows: pl.DataFrame) -> list[Encoded]:
        """The bytes of a chunk, by split. Pure."""
        if rows.height == 0:
            return []
        wanted = self.complete(rows)
        found = []
        for split, positions in by_split(rows):
            some = wanted if len(positions) == rows.height else wanted[positions]
            data = self.sink.encode(some, json_columns=self.json_columns) if self.sink.grows else None
            found.append(Encoded(split, positions, some, data))
        return found

    def append(self, chunk: Iterable[Encoded]) -> None:
        """Add what `encode` gave. Chunks must come in row order."""
        for part in chunk:
            growing = self._splits.setdefault(part.split, _Growing([], []))
            if part.data is None:
                self._fill(part.split, growing, part.rows)
                continue
            if not growing.files:
                growing.files.append(self._open(part.split, self.sink.file_name(part.split, 0, 1)))
                growing.files[0].write(self.sink.head(part.rows))
            growing.files[0].write(part.data, self.sink.lines(part.rows))

    def write(self, rows: pl.DataFrame) -> None:
        """Encode and append a chunk."""
        self.append(self.encode(rows))

    def _fill(self, split: str | None, growing: _Growing, rows: pl.DataFrame) -> None:
        while rows.height:
            fitting, begun = self.sink.cut(rows, growing.begun)
            if fitting:
                growing.waiting.append(rows.head(fitting))
                growing.begun = begun
                rows = rows.slice(fitting)
            if rows.height:
                self._flush(split, growing)

    def _flush(self, split: str | None, growing: _Growing) -> None:
        if not growing.waiting:
            raise DataError(f"{self.sink.address()}: a row fits into no file")
        rows = pl.concat(growing.waiting)
        file = self._open(split, f".part-{len(self._publisher.files)}")
        file.write(self.sink.encode(rows, json_columns=self.json_columns), rows.height)
        file.flush()
        growing.files.append(file)
        growing.waiting, growing.begun = [], (0, 0)

    def _open(self, split: str | None, name: str) -> StagedFile:
        return self._publisher.open(name, split, count=self.sink.count)

    def paths(self) -> list[str]:
        """The data files written, once finished."""
        return [file.name for growing in self._splits.values() for file in growing.files]

    def finish(self) -> None:
        """Write what waits, name the files, describe the columns."""
        for split, growing in self._splits.items():
            if growing.waiting:
                self._flush(split, growing)
            if not self.sink.grows:
                for number, file in enumerate(growing.files):
                    file.rename(self.sink.file_name(split, number, len(growing.files)))
        for name, data in self.sink.sidecars(self._all, json_columns=self.json_columns).items():
            self._publisher.open(name).write(data)


class Publisher:
    """A folder being delivered.

        with Publisher(path) as publisher:
            target = publisher.target(sink, schema)
            for chunk in chunks:
                target.write(chunk)
            delivered = publisher.publish(card, facts)

    Leaving it without `publish` leaves everything as it was. `keep`: how many earlier deliveries stay.
    """

    def __init__(self, path: Path, *, keep: int = 1) -> None:
        self.path, self.keep = claim(path), keep
        self.files: list[StagedFile] = []
        self.targets: list[Target] = []
        self._standing: Standing | None = None
        self._staging = self.path.with_name(f".{self.path.name}.new")
        try:
            self._staging.parent.mkdir(parents=True, exist_ok=True)
            recover(self.path)
            self._staging.mkdir()
        except OSError as error:
            raise disk_error(error, self._staging) from error
        failpoint("deliver.begun")

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, *exception: object) -> None:
        for file in self.files:
            file.abandon()
        if exception[0] is not None and self._staging.exists():
            shutil.rmtree(self._staging, ignore_errors=True)

    def target(self, sink: Sink, schema: Mapping[str, pl.DataType], *, json_columns: Collection[str] = ()) -> Target:
        """A sink that writes into this folder. schema: every column of the rows, `id` included, over all chunks."""
        self.targets.append(Target(self, sink, schema, json_columns))
        return self.targets[-1]

    def open(self, name: str, split: str | None = None, *, count: Callable[[Path], int] | None = None) -> StagedFile:
        """A new file in the folder. count: how to count its rows when it is read again."""
        if name in (CARD, SUMS, MANIFEST) or Path(name).is_absolute() or ".." in Path(name).parts:
            raise UsageError(f"a target cannot write the file {name!r}")
        self.files.append(StagedFile(self._staging, name, split, count))
        return self.files[-1]

    def leave(self, there: Standing) -> None:
        """Instead of writing: what stands at the target is what would be written. The caller has compared its bytes."""
        self._standing = there

    def standing(self) -> Standing:
        """What was written, with the hashes of its files."""
        if self._standing is not None:
            return self._standing
        return Standing(tuple(file.delivered() for file in self.files), {file.name: file.xxh3 for file in self.files})

    def publish(self, card: Card = "", facts: Facts | None = None) -> list[Delivered]:
        """Verify what was written, add card, sums and manifest, and make it the delivery.

        facts: what the manifest says besides `tamis`, `delivery`, `previous` and `files`.
        """
        try:
            return self._publish(card, facts or {})
        except OSError as error:
            raise disk_error(error, self._staging) from error

    def _publish(self, card: Card, facts: Facts) -> list[Delivered]:
        delivered = self._written() if self._standing is None else sorted(self._standing.files, key=_order)
        sums = {one.path: one.sha256 for one in delivered}
        text = card if isinstance(card, str) else card(delivered)
        if text:
            sums[CARD] = hashlib.sha256(text.encode()).hexdigest()
        summed = "".join(f"{sha}  {name}\n" for name, sha in sorted(sums.items()))
        old = published(self.path)
        files = [one._asdict() for one in delivered]
        same = old is not None and old.get("files") == files
        delivery = fingerprint("delivery", sorted((one.path, one.sha256) for one in delivered))[:16]
        previous = None if old is None else old.get("previous") if same else old.get("delivery")
        more = facts(delivered) if callable(facts) else facts
        head = {"tamis": __version__, "delivery": delivery, "previous": previous}
        manifest = {**head, **more, "files": files}
        if self._standing is not None:
            if same and _says(self.path, {CARD: text, SUMS: summed}, manifest, old):
                discard(self._staging)
                prune(self.path, keep=self.keep)
                return delivered
            self._copy(self._standing)
        if text:
            self._whole(CARD, text.encode())
        self._whole(SUMS, summed.encode())
        failpoint("deliver.described")
        write_json(self._staging / MANIFEST, manifest, durable=True)
        for folder in sorted({file.path.parent for file in self.files} | {self._staging}, reverse=True):
            sync(folder)
        failpoint("deliver.staged")
        if same and _same_text(self.path, self._staging) and _same_bytes(self.path, delivered):
            discard(self._staging)
        else:
            swap_in(self.path)
        prune(self.path, keep=self.keep)
        return delivered

    def _written(self) -> list[Delivered]:
        """Read what was written again, while the disk takes it; both are done when this returns."""
        for target in self.targets:
            target.finish()
        delivered = sorted((file.delivered() for file in self.files), key=_order)
        if sum(one.rows for one in delivered) == 0:
            raise DataError(f"{self.path}: there is no row to deliver, and an empty dataset is never published")
        for file in self.files:
            file.flush()
        failpoint("deliver.written")
        for file in self.files:
            file.verify()
        for file in self.files:
            file.close()
        failpoint("deliver.verified")
        return delivered

    def _copy(self, there: Standing) -> None:
        """Stage copies of files that stand, because what is told of them has changed. CorruptFile where one does, too."""
        for one in there.files:
            file = self.open(one.path, one.split)
            with open(self.path / one.path, "rb") as source:
                while block := source.read(BLOCK):
                    file.write(block)
            file.rows = one.rows
            file.close()
            file.verify()
            if file.delivered() != one:
                raise CorruptFile(
                    f"{self.path / one.path} changed while it was read", hint="run the same command again"
                )

    def _whole(self, name: str, data: bytes) -> None:
        file = StagedFile(self._staging, name, None, None)
        file.write(data)
        file.close()


def deliver(
    path: Path,
    writers: Iterable[tuple[str, str | None, Iterable[tuple[bytes | memoryview, int]]]],
    card: Card = "",
    facts: Facts | None = None,
    *,
    keep: int = 1,
) -> list[Delivered]:
    """Deliver files given as (name, split, chunks of (bytes, rows))."""
    with Publisher(path, keep=keep) as publisher:
        for name, split, chunks in writers:
            file = publisher.open(name, split)
            for data, rows in chunks:
                file.write(data, rows)
            file.close()
        return publisher.publish(card, facts)


def by_split(rows: pl.DataFrame) -> list[tuple[str | None, NDArray[np.int64]]]:
    """The positions of each split's rows, splits as they first come; None where rows have no split."""
    if "split" not in rows.columns:
        return [(None, np.arange(rows.height))]
    column = rows["split"]
    splits = column.unique(maintain_order=True).to_list()
    for split in splits:
        if split is not None and not _fit_for_a_file(split):
            raise DataError(
                f"split {split!r} cannot be the name of a file", hint="use letters, digits, `_`, `-` and `.`"
            )
    return [(split, column.eq_missing(split).arg_true().to_numpy().astype(np.int64)) for split in splits]


def _fit_for_a_file(split: str) -> bool:
    return (
        split != "data"
        and split[:1] not in ("", ".", "-")
        and all(c.isalnum() or c in "_-." for c in split)
        and len(split) < 100
    )


def _order(one: Delivered) -> tuple[bool, int, str, str]:
    known = _FIRST_SPLITS.index(one.split) if one.split in _FIRST_SPLITS else len(_FIRST_SPLITS)
    return one.rows == 0, known, one.split or "", one.path


def _same_bytes(folder: Path, delivered: list[Delivered]) -> bool:
    """Whether the files that stand in a folder are still what was delivered; people and disks change files."""
    try:
        for one in delivered:
            with open(folder / one.path, "rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != one.sha256:
                    return False
    except OSError:
        return False
    return True


def _says(folder: Path, texts: Mapping[str, str], manifest: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
    """Whether a delivery's card, sums and manifest are these; a text that is empty has no file."""
    try:
        told = all((folder / name).read_bytes() == text.encode() for name, text in texts.items() if text)
    except OSError:
        return False
    return told and json.dumps(old) == json.dumps(manifest)


def _same_text(one: Path, other: Path) -> bool:
    """Whether card and manifest are the same too, so that nothing at all has changed."""
    try:
        return all(
            (one / name).read_bytes() == (other / name).read_bytes()
            for name in (MANIFEST, SUMS, CARD)
            if (other / name).exists()
        )
    except OSError:
        return False
