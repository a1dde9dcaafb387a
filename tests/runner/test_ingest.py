"""Ingest: ids, kinds over all slices, quarantine, what is reused, and that nothing depends on how it was run."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tamis.core.errors import DataError, TooManyQuarantined
from tamis.core.events import Event, PartitionDone, StageDone, StageStarted, Warned
from tamis.core.origin import Source
from tamis.engine.store import read_frame
from tamis.runner import quarantine
from tamis.runner.ingest import Ingest, ingest
from tamis.sources import _text
from tamis.sources.files import Files
from tamis.sources.frames import Frames


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_text, "SLICE", 200)


def lines(path: Path, objects: Sequence[Any]) -> None:
    text = "".join((row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in objects)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def take(root: Path, *sources: Source, store: str = "store", **options: Any) -> Ingest:
    chosen = sources or (Files(path="*.jsonl"),)
    return ingest(chosen, root=root, store=root / store, **{"max_quarantined": 1.0, **options})


def table(found: Ingest) -> pl.DataFrame:
    frames = [read_frame(part.base) for part in found.partitions]
    return pl.concat(frames, how="vertical")


def ids(found: Ingest) -> list[str]:
    return [f"{high:016x}{low:016x}" for high, low in table(found).select("id.high", "id.low").iter_rows()]


def identity(label: str, row: dict[str, Any]) -> str:
    pairs = [[name, row[name]] for name in sorted(row) if row[name] is not None]
    return hashlib.blake2b(
        json.dumps([label, pairs], ensure_ascii=False, separators=(",", ":")).encode(), digest_size=16
    ).hexdigest()


def repeat(first: str, number: int) -> str:
    return hashlib.blake2b(f"{first}#{number}".encode(), digest_size=16).hexdigest()


ROWS = [{"n": i, "text": f"question {i}: where is my parcel?"} for i in range(40)]


class TestRows:
    def test_every_row_has_its_id_place_and_columns(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ROWS[:25])
        lines(tmp_path / "b.jsonl", ["", *ROWS[25:]])
        found = take(tmp_path)
        whole = table(found)
        assert len(found.partitions) > 4
        assert [part.index for part in found.partitions] == list(range(len(found.partitions)))
        assert whole.columns == ["id.high", "id.low", "at.file", "at.line", "source.n", "source.text"]
        assert dict(whole.schema) == found.partitions[0].columns
        assert whole["source.n"].to_list() == list(range(40))
        assert ids(found) == [identity("files", row) for row in ROWS]
        assert whole["at.file"].to_list() == [0] * 25 + [1] * 15
        assert whole["at.line"].to_list() == [*range(1, 26), *range(2, 17)]
        assert [(file.path, file.source, file.rows, file.bad) for file in found.files] == [
            ("a.jsonl", "files", 25, 0),
            ("b.jsonl", "files", 15, 0),
        ]
        assert found.files[0].size == (tmp_path / "a.jsonl").stat().st_size
        assert found.rows == 40
        assert found.kinds == {"files": {"n": "integer", "text": "text"}}

    def test_identical_rows_get_ids_of_their_own_in_row_order(self, tmp_path: Path) -> None:
        row = {"text": "the same " * 10}
        lines(tmp_path / "a.jsonl", [row, {"text": "x"}, row, row])
        lines(tmp_path / "b.jsonl", [row])
        first = identity("files", row)
        expected = [first, identity("files", {"text": "x"}), repeat(first, 1), repeat(first, 2), repeat(first, 3)]
        assert ids(take(tmp_path)) == expected
        assert ids(take(tmp_path)) == expected, "and again from what is kept"

    def test_the_sources_name_is_part_of_the_id(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ROWS[:1])
        both = take(tmp_path, Files(path="a.jsonl"), Files(path="a.jsonl", name="other"))
        assert ids(both) == [identity("files", ROWS[0]), identity("other", ROWS[0])]
        assert [part.source for part in both.partitions] == ["files", "other"]

    def test_columns_a_slice_lacks_are_null_there(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", [*ROWS[:20], {"late": 1.5, "deep": {"a": [1]}}])
        found = take(tmp_path)
        assert len({tuple(part.columns) for part in found.partitions}) == 1
        whole = table(found)
        assert whole["source.late"].to_list() == [None] * 20 + [1.5]
        assert whole["source.deep"].to_list()[-1] == '{"a": [1]}'
        assert found.kinds["files"] == {"n": "integer", "text": "text", "late": "number", "deep": "json"}
        assert ids(found)[:20] == [identity("files", row) for row in ROWS[:20]]

    def test_in_memory_rows_are_ingested_alike(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ROWS)
        from_file = take(tmp_path, Files(path="a.jsonl", name="s"))
        for number, data in enumerate((ROWS, pl.DataFrame(ROWS))):
            in_memory = take(tmp_path, Frames(data=data, name="s"), store=f"memory{number}")
            assert ids(in_memory) == ids(from_file)
            assert table(in_memory)["source.text"].to_list() == [row["text"] for row in ROWS]


class TestKeys:
    def test_ids_come_from_the_key_alone(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ROWS)
        found = take(tmp_path, Files(path="a.jsonl", id=("n",)))
        assert ids(found) == [identity("files", {"n": row["n"]}) for row in ROWS]

    def test_null_and_repeated_keys_are_quarantined_with_their_places(self, tmp_path: Path) -> None:
        lines(
            tmp_path / "a.jsonl",
            [{"k": "a", "x": "1" * 90}, {"k": None, "x": "2"}, {"k": "", "x": "3"}, {"x": "4"}, {"k": "b"}],
        )
        lines(tmp_path / "b.jsonl", [{"k": "c"}, {"k": "a", "x": "5"}, {"k": "a", "x": "6"}])
        for _ in range(2):
            found = take(tmp_path, Files(path="*.jsonl", id=("k",)))
            assert table(found)["source.k"].to_list() == ["a", "b", "c"]
            assert found.causes == {"null_key": 3, "repeated_key": 2}
            assert [(q.file, q.line, q.cause) for q in found.quarantined] == [
                ("a.jsonl", 2, "null_key"),
                ("a.jsonl", 3, "null_key"),
                ("a.jsonl", 4, "null_key"),
                ("b.jsonl", 2, "repeated_key"),
                ("b.jsonl", 3, "repeated_key"),
            ]
            assert found.quarantined[3].message == "its key (k) stands already at a.jsonl:1"
            assert [(file.rows, file.bad) for file in found.files] == [(2, 3), (1, 2)]

    def test_columns_that_are_named_must_exist(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ROWS)
        with pytest.raises(DataError, match=r"source 'files' has no column 'txt'; did you mean 'text'\?"):
            take(tmp_path, Files(path="a.jsonl", types={"txt": "text"}))


class TestKinds:
    def test_integers_widen_over_slices_without_new_ids(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ROWS)
        before = ids(take(tmp_path, store="one"))
        lines(tmp_path / "b.jsonl", [{"n": 0.5, "text": "x"}])
        found = take(tmp_path, store="two")
        assert table(found)["source.n"].dtype == pl.Float64
        assert table(found)["source.n"].to_list()[-2:] == [39.0, 0.5]
        assert ids(found)[:40] == before

    def test_the_majority_over_all_slices_decides_and_both_places_are_named(self, tmp_path: Path) -> None:
        lines(
            tmp_path / "a.jsonl",
            [{"x": 1, "t": "a" * 60}, {"x": 2, "t": "b" * 60}, {"x": 3, "t": "c" * 60}, {"x": "three"}],
        )
        lines(tmp_path / "b.jsonl", [{"x": "four"}, {"x": "five"}, {"x": "six"}])
        found = take(tmp_path)
        assert table(found)["source.x"].to_list() == ["three", "four", "five", "six"]
        assert found.kinds["files"]["x"] == "text"
        assert found.causes == {"type_mismatch": 3}
        told = found.quarantined[0]
        assert (told.file, told.line, told.cause) == ("a.jsonl", 1, "type_mismatch")
        assert "`x` is not text" in told.message
        assert "the first at a.jsonl:4" in told.message

    def test_huge_integers_turn_the_whole_column_to_text_and_it_is_told(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", [*ROWS, {"n": 10**30}])
        found = take(tmp_path)
        assert table(found)["source.n"].to_list() == [*(str(i) for i in range(40)), str(10**30)]
        assert found.warnings == [
            "files: `n` holds whole numbers beyond 64 bits, the first at a.jsonl:41; kept as text"
        ]
        assert found.bad == 0


class TestQuarantine:
    def test_bad_lines_are_told_kept_and_counted(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", [*ROWS[:3], "oops", *ROWS[3:6], "[1]"])
        found = take(tmp_path)
        assert found.rows == 6
        assert found.causes == {"invalid_json": 1, "not_an_object": 1}
        assert [(q.source, q.file, q.line, q.cause) for q in found.quarantined] == [
            ("files", "a.jsonl", 4, "invalid_json"),
            ("files", "a.jsonl", 8, "not_an_object"),
        ]
        path = tmp_path / "store/quarantine/files.jsonl"
        kept = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert [base64.b64decode(record["raw"]) for record in kept] == [b"oops", b"[1]"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        lines(tmp_path / "a.jsonl", ROWS)
        take(tmp_path)
        assert not path.exists(), "what was mended is not kept"

    def test_above_the_share_the_run_stops_with_counts_and_places(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", [*ROWS[:9], "oops"])
        assert take(tmp_path, max_quarantined=0.1).bad == 1
        lines(tmp_path / "a.jsonl", [*ROWS[:9], "oops", "{", '{"a": NaN}', "[]"])
        with pytest.raises(TooManyQuarantined) as caught:
            take(tmp_path, max_quarantined=0.1)
        assert caught.value.exit_code == 4
        text = str(caught.value)
        assert "4 of 13 lines cannot be read (30.77%); `max_quarantined` allows 10.00%" in text
        assert "invalid_json 2, nan 1, not_an_object 1" in text
        assert "a.jsonl:10: invalid_json" in text
        assert "a.jsonl:13" not in text, "the first three are shown"
        assert "max_quarantined: 0.308" in text
        assert (tmp_path / "store/quarantine/files.jsonl").exists()

    def test_nothing_readable_at_all_stops_the_run_and_pins_nothing(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ["oops"])
        with pytest.raises(TooManyQuarantined):
            take(tmp_path, max_quarantined=0.99)
        assert not (tmp_path / "store/pinned").exists()

    def test_lines_beyond_the_bound_are_counted_only(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(quarantine, "KEPT", 5)
        lines(tmp_path / "a.jsonl", [*ROWS, *["oops"] * 200])
        found = take(tmp_path)
        assert len(found.quarantined) == 5
        assert found.causes == {"invalid_json": 200}

    def test_files_without_rows_are_refused_unless_expected(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("a,b\n", encoding="utf-8")
        with pytest.raises(DataError, match=r"a\.csv holds no rows"):
            take(tmp_path, Files(path="a.csv"))
        assert take(tmp_path, Files(path="a.csv", allow_empty=True)).rows == 0
        with pytest.raises(DataError, match="source 'frames' holds no rows"):
            take(tmp_path, Frames(data=[]))

    def test_a_file_cut_off_leaves_nothing_behind(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ROWS)
        (tmp_path / "b.json").write_text('[{"n": 1}', encoding="utf-8")
        with pytest.raises(DataError, match="cut off"):
            take(tmp_path, Files(path=("a.jsonl", "b.json")))
        assert not (tmp_path / "store").exists()


class TestReuse:
    def cached(self, found: Ingest) -> float:
        return found.cached_rows / found.rows

    def test_a_second_run_reads_nothing_anew(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", [*ROWS, ROWS[0]])
        first, second = take(tmp_path), take(tmp_path)
        assert self.cached(first) == 0
        assert self.cached(second) == 1
        assert [part.base for part in first.partitions] == [part.base for part in second.partitions]

    def test_appended_lines_and_added_files_leave_the_others_alone(self, tmp_path: Path) -> None:
        lines(tmp_path / "b.jsonl", ROWS[:29])
        before = {part.base for part in take(tmp_path).partitions}
        lines(tmp_path / "b.jsonl", ROWS[:32])
        lines(tmp_path / "a.jsonl", ROWS[35:])
        found = take(tmp_path)
        kept = before & {part.base for part in found.partitions}
        assert len(kept) == len(before) - 1, "only the last slice of b.jsonl is new"
        whole = table(found)
        assert whole["source.n"].to_list() == [*range(35, 40), *range(32)], "rows come in the order of the files' names"
        places = [(found.files[f].path, line) for f, line in whole.select("at.file", "at.line").iter_rows()]
        assert places == [*(("a.jsonl", i) for i in range(1, 6)), *(("b.jsonl", i) for i in range(1, 33))]

    def test_a_file_that_is_gone_renumbers_the_others(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ROWS[:5])
        lines(tmp_path / "b.jsonl", ROWS[5:10])
        take(tmp_path)
        (tmp_path / "a.jsonl").unlink()
        found = take(tmp_path)
        assert [file.path for file in found.files] == ["b.jsonl"]
        assert set(table(found)["at.file"].to_list()) == {0}

    def test_an_altered_partition_is_read_anew_and_never_served(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ROWS[:3])
        base = Path(take(tmp_path).partitions[0].base.path)
        content = bytearray(base.read_bytes())
        content[len(content) // 2] ^= 1
        base.write_bytes(bytes(content))
        os.utime(base)
        found = take(tmp_path)
        assert found.cached_rows == 0
        assert table(found)["source.n"].to_list() == [0, 1, 2]

    @pytest.mark.parametrize("change", [{"types": {"n": "text"}}, {"name": "other"}, {"id": ("n",)}, {"max_depth": 5}])
    def test_what_changes_rows_or_ids_reads_anew(self, tmp_path: Path, change: dict[str, Any]) -> None:
        lines(tmp_path / "a.jsonl", ROWS)
        take(tmp_path)
        assert take(tmp_path, Files(path="*.jsonl", **change)).cached_rows == 0


class TestFirstRun:
    def test_columns_that_come_later_are_kept_and_change_no_id(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ROWS)
        before = ids(take(tmp_path))
        lines(tmp_path / "b.jsonl", [{"n": 50, "text": "new", "channel": "mail"}])
        for _ in range(2):
            found = take(tmp_path)
            assert ids(found) == [*before, identity("files", {"n": 50, "text": "new"})]
            assert table(found)["source.channel"].to_list()[-1] == "mail"
            assert found.warnings == [
                "source 'files' has columns that the first run had not: channel; ids are made without them, as in the first run"
            ]

    def test_columns_that_are_gone_and_kinds_that_changed_are_told(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ROWS)
        take(tmp_path)
        lines(tmp_path / "a.jsonl", [{"n": "x"}])
        assert take(tmp_path).warnings == [
            "source 'files' lacks columns of the first run: text; its rows get other ids than before",
            "source 'files': `n` was integer in the first run and is text now",
        ]

    def test_a_damaged_record_of_the_first_run_stops(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ROWS)
        take(tmp_path)
        (tmp_path / "store/pinned/files.json").write_text("{", encoding="utf-8")
        with pytest.raises(DataError, match=r"files\.json cannot be read"):
            take(tmp_path)


def reversed_tasks(task: Any, arguments: Sequence[Any]) -> Iterator[Any]:
    """Tasks run last first; results come in order all the same."""
    done = [task(argument) for argument in reversed(arguments)]
    return iter(done[::-1])


class TestHowItRuns:
    def test_order_threads_and_slices_change_no_row(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        lines(tmp_path / "a.jsonl", [*ROWS, "oops", {"n": 0.5}, *ROWS[:10], {"n": "x"}])
        lines(tmp_path / "b.jsonl", [{"n": 7, "more": [1]}, *ROWS[5:9]])
        with ThreadPoolExecutor(2) as pool:
            found = [
                take(tmp_path, store=f"s{i}", map_tasks=tasks)
                for i, tasks in enumerate((map, reversed_tasks, pool.map))
            ]
        monkeypatch.setattr(_text, "SLICE", 1 << 20)
        found.append(take(tmp_path, store="whole"))
        for other in found[1:]:
            assert table(other).equals(table(found[0]))
            assert other.quarantined == found[0].quarantined
        assert len(found[3].partitions) == 2

    def test_events_tell_bytes_and_what_was_kept(self, tmp_path: Path) -> None:
        lines(tmp_path / "a.jsonl", ROWS)
        for again in (False, True):
            events: list[Event] = []
            take(tmp_path, emit=events.append)
            start = events[0]
            assert isinstance(start, StageStarted)
            done = [event for event in events if isinstance(event, PartitionDone)]
            assert (start.name, start.unit, start.rows) == ("read", "bytes", (tmp_path / "a.jsonl").stat().st_size)
            assert start.partitions == len(done)
            assert sum(event.rows for event in done) == start.rows
            assert {event.cached for event in done} == {again}
            assert isinstance(events[-1], StageDone)

    def test_warnings_are_events(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("a;b\n1;2\n", encoding="utf-8")
        events: list[Event] = []
        found = take(tmp_path, Files(path="a.csv"), emit=events.append)
        assert [event.message for event in events if isinstance(event, Warned)] == found.warnings
        assert "semicolons" in found.warnings[0]
