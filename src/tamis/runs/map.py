"""The map of a run: every row that a layout step gave a place, in one file of bytes that a browser reads without a library.

Numbers are little-endian. The file is

    0   8 bytes   `TAMISMAP`
    8   u32       length of the header in bytes
    12  header    UTF-8 JSON, padded with spaces
    ..  columns   each at `at` bytes from the file's beginning, a multiple of 8; one value per point

    const view = new DataView(buffer), length = view.getUint32(8, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 12, length)));
    const x = new Float32Array(buffer, header.columns[0].at, header.points);

Header: `format` (1), `run`, `layout` (the step), `points`, `rows` (of the run), `without_place`, `view` (the text that `texts` cuts),
`columns`, `left_out` (columns there was no room for). Points stand in the order of the run's rows. A column has `name`, `kind`,
`type` (`f32`, `u8`, `u16`, `u32`), `at`, and by kind:

- `place`: the first two, `x` and `y`, -1..1; y grows upwards.
- `id`: four u32 a point: the row's id is their 32 hexadecimal digits, each of 8, in order.
- `category`: positions in `values`, which are texts, or null for none, and `counts`, how many points have each. `fate` has
  `fates` beside them: `outcome`, `step`, `reason`, `sentence`; its first value is `kept`.
- `cluster`: a category with `clusters` beside `values`: `id`, `name`, `rows`, `x`, `y` (where its name stands: where it is
  densest) or null for none.
- `number`: NaN where a row has none; `min`, `max` (null where no row has one); `time`: true for seconds since 1970.

Texts are not in it: `texts` reads them a piece at a time. What a privacy step has still to take away from a row that left before
it is taken away there, as in everything that a run tells.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import ANSWERS
from tamis.core.errors import UsageError, did_you_mean
from tamis.core.row import CHAT_VIEWS, RESERVED, VECTOR, view_column
from tamis.engine.frame import Frame
from tamis.engine.peaks import densest

from .ledger import Ledger
from .rows import RunRows, read_json

MAGIC = b"TAMISMAP"
FORMAT = 1
#: characters of a text, and values of a category, at most; columns of numbers and of categories, beside clusters
TEXT, VALUES, NUMBERS, CATEGORIES = 200, 64, 8, 12


class Column(NamedTuple):
    """about: what the header says of it; data: its values."""

    about: dict[str, Any]
    data: NDArray[Any]


def map_data(run: Path, layout: str | None = None) -> MapData:
    """The map of a run by one of its layout steps, by default the last. UsageError where there is none such."""
    return MapData(Path(run), layout)


def layouts_of(run: Path) -> list[str]:
    """The names of a run's layout steps, in order."""
    rows = RunRows(run)
    columns = {name for index in range(rows.count) for name in rows.frame(index).names}
    return [
        step["name"] for step in Ledger(run).steps if {f"{step['name']}.x", f"{step['name']}.y"} <= columns
    ]  # fmt: skip


class MapData:
    """Points, their columns and their texts. Raises DataError where the run's rows are gone."""

    def __init__(self, run: Path, layout: str | None) -> None:
        self.run, self.ledger, self._rows = run, Ledger(run), RunRows(run)
        known = layouts_of(run)
        if not known:
            raise UsageError(
                f"no step of {run} laid its rows out", hint="add `- use: embed.layout` after the step that embeds"
            )
        if layout is not None and layout not in known:
            raise UsageError(f"no layout {layout!r} in {run}; {did_you_mean(layout, known)}")
        self.layout = layout or known[-1]
        self._frames: dict[int, Frame] = {}
        self._columns, self._left_out = self._read()

    def header(self) -> dict[str, Any]:
        """What the file's header says, `at` included."""
        return self._laid[0]

    def points(self) -> bytes:
        """The whole file."""
        _, head = self._laid
        parts, size = [MAGIC, struct.pack("<I", len(head)), head], 12 + len(head)
        for column in self._columns:
            data = column.data.tobytes()
            pad = -len(data) % 8
            parts += [data, bytes(pad)]
            size += len(data) + pad
        return b"".join(parts)

    def texts(self, start: int, stop: int) -> list[str]:
        """The first characters of the texts of points `start` to `stop`, in one line each; empty where a row has none."""
        told: list[str] = []
        stop = min(stop, len(self._index))
        at = max(0, start)
        while at < stop:
            part = int(np.searchsorted(self._starts, at, "right")) - 1
            end = min(stop, int(self._starts[part + 1]))
            told += self._texts(part, self._index[at:end], self._open[at:end])
            at = end
        return told

    # -- reading ----------------------------------------------------------------------------------

    def _frame(self, index: int) -> Frame:
        if index not in self._frames:
            self._frames[index] = self._rows.frame(index)
        return self._frames[index]

    def _read(self) -> tuple[list[Column], list[str]]:
        """All columns. Also sets what `texts` needs: which rows the points are, and which must be veiled."""
        names = (f"{self.layout}.x", f"{self.layout}.y")
        ends = self.ledger.final()
        steps = [step["name"] for step in self.ledger.steps]
        last = max((steps.index(name) + 1 for name in self._rows.privacy if name in steps), default=0)
        places, chosen, open_, fate = [], [], [], []
        for index in range(self._rows.count):
            frame = self._frame(index)
            rows = np.empty(0, np.int64)
            if set(names) <= set(frame.names):
                rows = np.flatnonzero(np.isfinite(_floats(frame[names[0]])))
                some = np.stack([_floats(frame[name])[rows] for name in names], axis=1)
                places.append(some)
            chosen.append(rows)
            end = ends[index][rows]
            fate.append(end)
            open_.append((end > 0) & (end <= last))
        self._starts = np.concatenate([[0], np.cumsum([len(rows) for rows in chosen])])
        self._index = np.concatenate(chosen)
        self._open = np.concatenate(open_)
        self._chosen = chosen
        self._place = _fitted(np.concatenate(places))
        xy = [
            Column({"name": name, "kind": "place", "type": "f32"}, np.ascontiguousarray(self._place[:, k]))
            for k, name in enumerate("xy")
        ]
        fixed = [*xy, self._ids(), self._fate(np.concatenate(fate)), self._sources()]
        others, left = self._others()
        return [*fixed, *others], left

    def _ids(self) -> Column:
        high, low = np.empty(len(self._index), np.uint64), np.empty(len(self._index), np.uint64)
        for index, rows in enumerate(self._chosen):
            some = self.ledger.rows(index)[rows]
            at = slice(int(self._starts[index]), int(self._starts[index + 1]))
            high[at], low[at] = some["id.high"].to_numpy(), some["id.low"].to_numpy()
        words = [half >> np.uint64(shift) & np.uint64(0xFFFFFFFF) for half in (high, low) for shift in (32, 0)]
        return Column({"name": "id", "kind": "id", "type": "u32"}, np.stack(words, axis=1).astype("<u4").reshape(-1))

    def _fate(self, ends: NDArray[np.int32]) -> Column:
        """Whether each row was kept, or else which step took it and why."""
        code = np.zeros(len(ends), np.int64)
        fates: list[dict[str, Any]] = [{"outcome": "kept", "step": None, "reason": None, "sentence": None}]
        values = ["kept"]
        for number, step in enumerate(self.ledger.steps, 1):
            if not (ends == number).any():
                continue
            known: dict[tuple[str, str | None], int] = {}
            for index, rows in enumerate(self._chosen):
                frame = self.ledger.part(step, index)
                at = slice(int(self._starts[index]), int(self._starts[index + 1]))
                mine = np.flatnonzero(ends[at] == number)
                if frame is None or not len(mine):
                    continue
                lines = pl.DataFrame({"row": rows[mine].astype(np.uint32)}).join(
                    frame.select(pl.col("row").cast(pl.UInt32), "outcome", "reason"), on="row", how="left",
                    maintain_order="left",
                )  # fmt: skip
                for place, (outcome, reason) in zip(
                    mine, zip(lines["outcome"], lines["reason"], strict=True), strict=True
                ):
                    key = (str(outcome), reason or None)
                    if key not in known:
                        known[key] = len(values)
                        values.append(f"{step['name']}: {key[1] or key[0]}")
                        sentence = step["sentences"].get(key[1]) if key[1] else None
                        fates.append({"outcome": key[0], "step": step["name"], "reason": key[1], "sentence": sentence})
                    code[at.start + place] = known[key]
        return _category("fate", code, values, fates=fates)

    def _sources(self) -> Column:
        names = [str(part["source"]) for part in self.ledger.partitions()]
        values = list(dict.fromkeys(names))
        code = np.repeat([values.index(name) for name in names], np.diff(self._starts))
        return _category("source", code, values)

    def _others(self) -> tuple[list[Column], list[str]]:
        """Clusters, the split, then numbers and categories, those of steps first; and the names left out."""
        names = list(dict.fromkeys(name for index in range(self._rows.count) for name in self._frame(index).names))
        own = {f"{self.layout}.{one}" for one in ("x", "y")}
        hidden = {
            name
            for cover in self._rows.privacy.values()
            for name in (*cover.get("names", ()), *cover.get("addresses", ()))
        }
        steps = {step["name"] for step in self.ledger.steps}
        clusters = [name for name in names if name.endswith(".cluster") and f"{name[:-8]}.name" in names]
        spoken = {f"{name[:-8]}.name" for name in clusters} | own | set(RESERVED) - {"split", "producer"}
        made: list[Column] = []
        for name in clusters:
            ids, said = self._column(name), self._column(f"{name[:-8]}.name")
            if ids.dtype.is_integer():
                made.append(self._clusters(name[:-8], ids, said))
        rest = [
            n
            for n in names
            if n not in {*clusters, *spoken}
            and not n.startswith(("id.", "at.", "born.", ANSWERS))
            and not n.endswith(VECTOR)
        ]
        rest.sort(key=lambda name: (name != "split", name.rpartition(".")[0] not in steps))
        room, left = {"number": NUMBERS, "category": CATEGORIES}, list[str]()
        for name in rest:
            if name in hidden or name.removeprefix("source.") in hidden:
                continue
            column = self._plain(name)
            if column is None:
                continue
            if not room[column.about["kind"]]:
                left.append(name)
                continue
            room[column.about["kind"]] -= 1
            made.append(column)
        return made, left

    def _column(self, name: str) -> pl.Series:
        """A column of all points, null where a partition has none such."""
        parts = []
        for index, rows in enumerate(self._chosen):
            frame = self._frame(index)
            if name in frame.names:
                parts.append(frame[name].gather(rows))
            else:
                parts.append(pl.Series(name, [None]).new_from_index(0, len(rows)))
        typed = next((part.dtype for part in parts if part.dtype != pl.Null), pl.Null)
        parts = [part.cast(typed, strict=False) for part in parts]
        return pl.concat(parts)

    def _clusters(self, step: str, ids: pl.Series, said: pl.Series) -> Column:
        frame = pl.DataFrame({"id": ids, "name": said.cast(pl.String)})
        told = frame.group_by("id").agg(pl.col("name").first(), pl.len().alias("rows")).sort("id", nulls_last=True)
        known = {key: at for at, key in enumerate(told["id"].to_list())}
        code = ids.replace_strict(known, return_dtype=pl.Int64).to_numpy()
        some = told["id"].is_not_null().to_numpy()
        spot = densest(self._place, np.where(some[code], code, -1), len(told))
        clusters = [
            None if key is None else {"id": key, "name": name, "rows": rows, "x": float(at[0]), "y": float(at[1])}
            for (key, name, rows), at in zip(told.iter_rows(), spot, strict=True)
        ]
        column = _category(step, code, [None if one is None else one["name"] for one in clusters], clusters=clusters)
        return column._replace(about={**column.about, "kind": "cluster"})

    def _plain(self, name: str) -> Column | None:
        """A column of numbers or of a few values; None for any other."""
        types = [frame[name].dtype for k in range(self._rows.count) if name in (frame := self._frame(k)).names]
        dtype = next((one for one in types if one != pl.Null), pl.Null)
        if not (dtype.is_numeric() or dtype.is_temporal() or dtype in (pl.String, pl.Boolean)):
            return None
        column = self._column(name)
        if dtype.is_temporal():
            if dtype not in (pl.Date, pl.Datetime):
                return None
            return _number(name, column.cast(pl.Datetime("ms")).dt.epoch("ms").cast(pl.Float64) / 1000, time=True)
        if dtype.is_numeric():
            few = column.len() > 1 and column.is_unique().all() and dtype.is_integer()
            return None if few and name.startswith("source.") else _number(name, column)  # a number that names a row
        column = column.cast(pl.String)
        counts = column.value_counts(sort=True).head(VALUES + 2)
        if counts.height > VALUES or (counts.height < 2 and counts[column.name].null_count()):
            return None
        values = column.unique(maintain_order=True).sort(nulls_last=True).to_list()
        code = column.replace_strict({value: at for at, value in enumerate(values)}, return_dtype=pl.Int64).to_numpy()
        if self._rows.privacy and name != "split":
            values = self._veiled(values)
        return _category(name, code, values)

    def _veiled(self, values: Sequence[str | None]) -> list[str | None]:
        from tamis.engine.veil import Veil

        told = iter(Veil(list(self._rows.privacy.values())).texts([one for one in values if one is not None]))
        return [None if one is None else next(told) for one in values]

    # -- texts ------------------------------------------------------------------------------------

    @cached_property
    def view(self) -> str:
        """The text of a row that the layout's vectors were made from, or else what it says."""
        recipe = read_json(self.run / "manifest.json").get("recipe", {})
        written = {step.get("id") or step.get("use"): step for step in recipe.get("steps", ())}
        vectors = written.get(self.layout, {}).get("vectors", "embed.text")
        view = written.get(vectors, {}).get("in", "prompt")
        frame = self._frame(next(k for k, rows in enumerate(self._chosen) if len(rows)))
        if view not in CHAT_VIEWS or "messages" in frame.names:
            return str(view)
        texts = [name for name in frame.names if name.startswith("source.") and frame[name].dtype == pl.String]
        return "text" if "text" in frame.names or not texts else f"column:{texts[0]}"

    def _texts(self, index: int, rows: NDArray[np.int64], hide: NDArray[np.bool_]) -> list[str]:
        frame = self._frame(index)
        column = view_column(self.view)
        try:
            frame[column]  # read once, for all the pieces
        except UsageError:
            return [""] * len(rows)
        text = frame.take(rows).text(self.view)
        if hide.any():
            from tamis.engine.veil import Veil

            covers = list(self._rows.privacy.values())
            spoken = [name for cover in covers for name in (*cover.get("names", ()), *cover.get("addresses", ()))]
            full = dict.fromkeys([frame.find(column), *_present(frame, spoken)])
            some = pl.DataFrame([frame[name].gather(rows[hide]).alias(name) for name in full])
            told = Frame.of(Veil(covers).rows(Frame.of(some))).text(self.view)
            text = text.scatter(np.flatnonzero(hide), told)
        short = text.str.head(2 * TEXT).str.replace_all(r"[\s\x1e]+", " ").str.strip_chars().str.head(TEXT)
        return [one or "" for one in short.to_list()]

    # -- writing ----------------------------------------------------------------------------------

    @cached_property
    def _laid(self) -> tuple[dict[str, Any], bytes]:
        """The header, and its bytes with their padding: its own length moves the columns, so it is written until it fits."""
        rows = sum(int(part["rows"]) for part in self.ledger.partitions())
        head: dict[str, Any] = {
            "format": FORMAT, "run": f"{self.run.parent.name}/{self.run.name}", "layout": self.layout,
            "points": len(self._index), "rows": rows, "without_place": rows - len(self._index), "view": self.view,
            "left_out": self._left_out, "columns": [dict(column.about) for column in self._columns],
        }  # fmt: skip
        room = 0
        while True:
            at = 12 + room
            for about, column in zip(head["columns"], self._columns, strict=True):
                about["at"] = at
                at += column.data.nbytes + -column.data.nbytes % 8
            raw = json.dumps(head, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
                "utf-8", "replace"
            )
            if room and len(raw) <= room:
                return head, raw.ljust(room)
            room = len(raw) + 16 + -(12 + len(raw) + 16) % 8


def _floats(column: pl.Series) -> NDArray[np.float32]:
    return column.cast(pl.Float32).fill_null(np.nan).to_numpy()


def _fitted(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Places within -1..1, both axes by the same measure."""
    if not len(places):
        return places
    least, most = places.min(axis=0), places.max(axis=0)
    half = float((most - least).max()) / 2 or 1.0
    return np.asarray(np.clip((places - (least + most) / 2) / half, -1, 1), "<f4")


def _category(name: str, code: NDArray[Any], values: list[str | None] | list[str], **more: Any) -> Column:
    kind, size = next(
        (k, s)
        for k, s, most in (("u8", "u1", 256), ("u16", "<u2", 65536), ("u32", "<u4", 1 << 32))
        if len(values) <= most
    )
    counts = np.bincount(code.astype(np.int64), minlength=len(values)).tolist()
    about = {"name": name, "kind": "category", "type": kind, "values": values, "counts": counts, **more}
    return Column(about, code.astype(size))


def _number(name: str, column: pl.Series, **more: Any) -> Column:
    data = column.cast(pl.Float32, strict=False).fill_null(np.nan).to_numpy().astype("<f4")
    known = data[np.isfinite(data)]
    least, most = (float(known.min()), float(known.max())) if len(known) else (None, None)
    return Column({"name": name, "kind": "number", "type": "f32", "min": least, "max": most, **more}, data)


def _present(frame: Frame, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        try:
            yield frame.find(name)
        except UsageError:
            continue
