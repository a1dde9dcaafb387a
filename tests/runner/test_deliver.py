"""Publishing a folder: whole or not at all, whatever happens."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tamis.core.errors import CorruptFile, DataError, DiskFull, UsageError
from tamis.core.origin import Delivered
from tamis.core.row import MESSAGES
from tamis.recipe.load import parse
from tamis.runner import _swap, deliver
from tamis.runner.deliver import Publisher, by_split
from tamis.runner.execute import execute
from tamis.sinks.csv import Csv
from tamis.sinks.jsonl import Jsonl
from tamis.sinks.openai_chat import OpenaiChat
from tamis.sinks.parquet import Parquet

OLD, NEW, NEWER = ([(b'{"v": %d}\n' % v, 1)] for v in (1, 2, 3))

#: Points a kill is tried at, and what must stand at the target afterwards.
BEFORE = ["begun", "file", "written", "verified", "described", "staged", "before_swap"]
AFTER = ["swapped", "kept"]


def put(path: Path, chunks: Any, card: str = "# card\n", **facts: Any) -> list[Delivered]:
    return deliver.deliver(path, [("train.jsonl", "train", chunks)], card, facts)


def text(path: Path) -> str:
    return (path / "train.jsonl").read_text()


def assert_whole(path: Path) -> dict[str, Any]:
    """A delivery whose every file is what its manifest and sums say, with nothing beside it."""
    manifest = json.loads((path / "manifest.json").read_text())
    files = {one["path"]: one for one in manifest["files"]}
    found = {str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()}
    assert found - {"manifest.json", "README.md", "SHA256SUMS"} == set(files)
    for name, one in files.items():
        data = (path / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (one["size"], one["sha256"])
    for line in (path / "SHA256SUMS").read_text().splitlines():
        sha, name = line.split("  ")
        assert hashlib.sha256((path / name).read_bytes()).hexdigest() == sha
    return dict(manifest)


def hidden(path: Path) -> list[str]:
    return sorted(p.name for p in path.parent.iterdir() if p.name.startswith("."))


def test_a_delivery_says_what_is_in_it(tmp_path: Path) -> None:
    delivered = put(tmp_path / "out", OLD, recipe="r")
    sha = hashlib.sha256(b'{"v": 1}\n').hexdigest()
    assert delivered == [Delivered("train.jsonl", "train", 1, 9, sha)]
    manifest = assert_whole(tmp_path / "out")
    assert (manifest["recipe"], manifest["previous"], manifest["files"]) == ("r", None, [delivered[0]._asdict()])
    assert len((tmp_path / "out" / "SHA256SUMS").read_text().splitlines()) == 2
    assert hidden(tmp_path / "out") == []


def test_a_new_delivery_replaces_the_old_and_keeps_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    put(out, OLD)
    put(out, NEW)
    third = put(out, NEWER)
    manifest = assert_whole(out)
    assert [one["sha256"] for one in manifest["files"]] == [third[0].sha256]
    versions = list((tmp_path / ".out.versions").iterdir())
    assert [v.name for v in versions] == [manifest["previous"]]
    assert text(versions[0]) == '{"v": 2}\n'
    assert_whole(versions[0])


@pytest.mark.parametrize(("keep", "left"), [(0, []), (1, ["3"]), (2, ["2", "3"]), (9, ["1", "2", "3"])])
def test_how_many_earlier_deliveries_stay(tmp_path: Path, keep: int, left: list[str]) -> None:
    for version in "1234":
        deliver.deliver(tmp_path / "out", [("train.jsonl", None, [(version.encode(), 1)])], keep=keep)
    versions = tmp_path / ".out.versions"
    assert sorted(text(v) for v in versions.iterdir()) == left if left else not versions.exists()


def test_the_same_delivery_again_changes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    put(out, OLD)
    put(out, NEW)
    before = {p.name: (p.stat().st_ino, p.read_bytes()) for p in out.iterdir()}
    put(out, NEW)
    put(out, NEW)
    assert {p.name: (p.stat().st_ino, p.read_bytes()) for p in out.iterdir()} == before
    assert [text(v) for v in (tmp_path / ".out.versions").iterdir()] == ['{"v": 1}\n']


def test_the_same_data_with_another_manifest_keeps_the_version_before_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    put(out, OLD)
    put(out, NEW, run=1)
    put(out, NEW, run=2)
    assert (assert_whole(out)["run"], text(out)) == (2, '{"v": 2}\n')
    assert [text(v) for v in (tmp_path / ".out.versions").iterdir()] == ['{"v": 1}\n']


CHILD = """
import sys
from pathlib import Path
from tamis.runner import _swap, deliver
if sys.argv[3] == "two renames":
    _swap.exchange = lambda one, other: False
version = sys.argv[2].encode()
deliver.deliver(Path(sys.argv[1]), [("train.jsonl", "train", [(b'{"v": %s}\\n' % version, 1)])], "# card\\n", {})
"""


def child(out: Path, version: int, how: str = "exchange", point: str = "") -> int:
    environment = {**os.environ, "TAMIS_FAILPOINT": point and f"deliver.{point}"}
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(out), str(version), how], env=environment, check=False
    ).returncode


@pytest.mark.parametrize("how", ["exchange", "two renames"])
@pytest.mark.parametrize("point", [*BEFORE, *AFTER])
def test_killed_at_any_point_old_or_new_is_whole(tmp_path: Path, point: str, how: str) -> None:
    out = tmp_path / "out"
    put(out, OLD)
    put(out, NEW)
    if how == "two renames" and point == "swapped":
        point = "moved_away"
    assert child(out, 3, how, point) == -signal.SIGKILL
    if point == "moved_away":
        assert not out.exists()  # the one state between two renames; the next start ends it
        _swap.recover(out)
    assert_whole(out)
    assert text(out) == ('{"v": 2}\n' if point in BEFORE else '{"v": 3}\n')
    put(out, NEWER)
    assert text(out) == '{"v": 3}\n'
    assert text(only_version(out)) == '{"v": 2}\n'
    assert assert_whole(out)["previous"] == assert_whole(only_version(out))["delivery"]
    assert hidden(out) == [".out.versions"]


def only_version(out: Path) -> Path:
    (version,) = out.with_name(f".{out.name}.versions").iterdir()
    assert_whole(version)
    return version


@pytest.mark.parametrize("how", ["exchange", "two renames"])
@pytest.mark.parametrize("point", [*BEFORE, "swapped"])
def test_killed_during_the_first_delivery(tmp_path: Path, point: str, how: str) -> None:
    out = tmp_path / "out"
    assert child(out, 1, how, point) == -signal.SIGKILL
    assert out.exists() == (point == "swapped")
    put(out, OLD)
    assert text(out) == '{"v": 1}\n'
    assert_whole(out)
    assert hidden(out) == []


@pytest.mark.parametrize("how", ["exchange", "two renames"])
@pytest.mark.parametrize("point", ["before_swap", "swapped", "moved_away", "kept"])
def test_killed_while_the_same_data_is_delivered_with_another_card(tmp_path: Path, point: str, how: str) -> None:
    out = tmp_path / "out"
    put(out, OLD)
    put(out, NEW, card="# another\n")
    killed = child(out, 2, how, point)
    if (point == "swapped" and how == "two renames") or (point == "moved_away" and how == "exchange"):
        assert killed == 0
        return
    assert killed == -signal.SIGKILL
    _swap.recover(out)
    assert text(out) == '{"v": 2}\n'
    assert_whole(out)
    put(out, NEW)
    assert text(only_version(out)) == '{"v": 1}\n'


def test_killed_between_two_renames_of_the_same_data_with_nothing_before_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    put(out, NEW, card="# another\n")
    assert child(out, 2, "two renames", "moved_away") == -signal.SIGKILL
    assert not out.exists()
    _swap.recover(out)
    assert_whole(out)
    assert text(out) == '{"v": 2}\n'


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="exists and was not made by tamis"):
        put(tmp_path / "out", OLD)
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "thesis.txt"]
    (tmp_path / "out" / "manifest.json").write_text('{"name": "somebody else\'s"}')
    with pytest.raises(UsageError, match="was not made by tamis"):
        put(tmp_path / "out", OLD)


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UsageError, match="is no folder"):
        put(tmp_path / "out", OLD)
    assert (tmp_path / "out").read_text() == "mine"


def test_an_empty_folder_and_a_linked_one_are_delivered_to(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    put(tmp_path / "out", OLD)
    (tmp_path / "link").symlink_to(tmp_path / "out")
    put(tmp_path / "link", NEW)
    assert (tmp_path / "link").is_symlink()
    assert text(tmp_path / "out") == '{"v": 2}\n'


def test_what_people_put_into_a_delivery_is_never_deleted(tmp_path: Path) -> None:
    out = tmp_path / "out"
    put(out, OLD)
    (out / "notes.txt").write_text("mine")
    for version in (NEW, NEWER, OLD, NEW, NEWER):
        put(out, version)
    assert [p.read_text() for p in tmp_path.rglob("notes.txt")] == ["mine"]
    assert text(out) == '{"v": 3}\n'


def test_nothing_to_deliver_is_an_error_and_the_old_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    put(out, OLD)
    with pytest.raises(DataError, match="no row to deliver"):
        put(out, [])
    assert text(out) == '{"v": 1}\n'
    assert hidden(out) == []


def test_an_error_while_writing_leaves_the_old(tmp_path: Path) -> None:
    out = tmp_path / "out"
    put(out, OLD)

    def broken() -> Any:
        yield b"{}\n", 1
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        put(out, broken())
    assert text(out) == '{"v": 1}\n'
    assert hidden(out) == []


def test_bytes_that_changed_on_disk_are_not_published(tmp_path: Path) -> None:
    out = tmp_path / "out"
    put(out, OLD)
    with Publisher(out) as publisher:
        publisher.open("train.jsonl").write(b'{"v": 9}\n', 1)
        publisher.files[0].path.write_bytes(b'{"v": 8}\n')
        with pytest.raises(CorruptFile, match=r"train\.jsonl: read again, the bytes are not the ones written"):
            publisher.publish()
    assert text(out) == '{"v": 1}\n'


def test_a_file_with_other_rows_than_written_is_not_published(tmp_path: Path) -> None:
    with Publisher(tmp_path / "out") as publisher:
        publisher.open("train.jsonl", count=Jsonl(path="out").count).write(b'{"v": 9}\n', 2)
        with pytest.raises(CorruptFile, match="holds 1 rows, not 2"):
            publisher.publish()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["README.md", "SHA256SUMS", "manifest.json", "../x.jsonl", "/x.jsonl", "a/../../x"])
def test_names_that_no_target_may_write(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot write the file"), Publisher(tmp_path / "out") as publisher:
        publisher.open(name)


LIMITED = """
import resource, sys
from pathlib import Path
from tamis.core.errors import DiskFull
from tamis.runner.deliver import deliver
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    deliver(Path(sys.argv[1]), [("train.jsonl", "train", [(b"x" * 1000 + b"\\n", 1)] * 10)])
except DiskFull as error:
    print(error)
    sys.exit(error.exit_code)
"""


def test_a_full_disk_is_said_and_the_old_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    put(out, OLD)
    done = subprocess.run([sys.executable, "-c", LIMITED, str(out)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert re.search(r"disk full at .*train\.jsonl", done.stdout)
    assert text(out) == '{"v": 1}\n'
    assert hidden(out) == []


def test_no_right_to_write_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write anywhere; run as another than root")
    with pytest.raises(DiskFull, match="no right to write"):
        put(folder / "out", OLD)


def test_a_read_only_file_system_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DiskFull, match="no right to write"):
        put(tmp_path / "out", OLD)


# -- targets: rows to files -------------------------------------------------------------------


def chats(n: int, split: Any = None) -> pl.DataFrame:
    fields = [f.name for f in MESSAGES.inner.fields]  # type: ignore[union-attr]
    turn = dict.fromkeys(fields)
    rows = [
        [{**turn, "role": "user", "content": f"Q{i} é"}, {**turn, "role": "assistant", "content": "A" * (i % 50)}]
        for i in range(n)
    ]
    frame = pl.DataFrame([pl.Series("messages", rows, dtype=MESSAGES), pl.Series("source.n", range(n), dtype=pl.Int64)])
    return (
        frame
        if split is None
        else frame.with_columns(pl.Series("split", [split(i) for i in range(n)], dtype=pl.String))
    )


SPLITS = [lambda i: ("train", "train", "validation")[i % 3], None]


@pytest.mark.parametrize("sink", [OpenaiChat, Jsonl, Csv, Parquet])
@pytest.mark.parametrize("split", SPLITS)
def test_how_rows_come_in_chunks_changes_no_byte(tmp_path: Path, sink: Any, split: Any) -> None:
    frame = chats(100, split)
    options = {"rows_per_file": 7} if sink is Parquet else {}
    results = []
    for size in (100, 33, 1):
        with Publisher(tmp_path / str(size)) as publisher:
            target = publisher.target(sink(path="x", **options), dict(frame.schema))
            for begin in range(0, 100, size):
                target.write(frame.slice(begin, size))
            target.write(frame.clear())
            results.append(publisher.publish())
    assert results[0] == results[1] == results[2]
    assert sum(one.rows for one in results[0]) == 100
    assert {one.split for one in results[0] if one.rows} == ({"train", "validation"} if split else {None})


def test_files_are_named_by_split_and_listed_train_first(tmp_path: Path) -> None:
    frame = chats(6, lambda i: ["test", "golden", "train", "validation", "test", "train"][i])
    with Publisher(tmp_path / "out") as publisher:
        publisher.target(OpenaiChat(path="out"), dict(frame.schema)).write(frame)
        delivered = publisher.publish(lambda files: f"{len(files)} files\n", lambda files: {"n": len(files)})
    names = ["train.jsonl", "validation.jsonl", "golden.jsonl", "test.jsonl"]
    assert sorted(one.path for one in delivered) == sorted(names)
    assert [one.path for one in delivered][:3] == ["train.jsonl", "validation.jsonl", "test.jsonl"]
    assert [json.loads(line)["messages"][0]["content"] for line in text(tmp_path / "out").split("\n")[:-1]] == [
        "Q2 é",
        "Q5 é",
    ]
    assert (tmp_path / "out" / "README.md").read_text() == "4 files\n"
    assert assert_whole(tmp_path / "out")["n"] == 4


def test_two_targets_share_a_folder(tmp_path: Path) -> None:
    frame = chats(3)
    with Publisher(tmp_path / "out") as publisher:
        for sink in (OpenaiChat(path="out"), Parquet(path="out"), Csv(path="out")):
            publisher.target(sink, dict(frame.schema)).write(frame)
        publisher.publish()
    names = {one["path"] for one in assert_whole(tmp_path / "out")["files"]}
    assert names == {"data.jsonl", "data.csv", "data/data-00000-of-00001.parquet"}


def test_two_targets_that_would_write_one_file_are_refused(tmp_path: Path) -> None:
    frame = chats(3)
    with Publisher(tmp_path / "out") as publisher:
        publisher.target(OpenaiChat(path="out"), dict(frame.schema)).write(frame)
        other = publisher.target(Jsonl(path="out"), dict(frame.schema))
        with pytest.raises(UsageError, match=r"two targets would write the file 'data\.jsonl'"):
            other.write(frame)


def test_parquet_files_are_cut_and_counted(tmp_path: Path) -> None:
    frame = chats(10)
    with Publisher(tmp_path / "out") as publisher:
        publisher.target(Parquet(path="out", rows_per_file=4), dict(frame.schema)).write(frame)
        delivered = publisher.publish()
    expected = [(f"data/data-{k:05d}-of-00003.parquet", rows) for k, rows in enumerate((4, 4, 2))]
    assert [(one.path, one.rows) for one in delivered] == expected
    assert pl.read_parquet(tmp_path / "out" / "data").equals(frame.rename({"source.n": "n"}))


def test_a_column_that_a_chunk_lacks_is_null_in_it(tmp_path: Path) -> None:
    schema = {"source.a": pl.Int64(), "source.b": pl.String()}
    with Publisher(tmp_path / "out") as publisher:
        target = publisher.target(Jsonl(path="out"), schema)
        target.write(pl.DataFrame({"source.a": [1]}))
        target.write(pl.DataFrame({"source.b": ["x"]}))
        publisher.publish()
    assert (tmp_path / "out" / "data.jsonl").read_text() == '{"a": 1, "b": null}\n{"a": null, "b": "x"}\n'


@pytest.mark.parametrize("split", ["../up", "a/b", "", ".hidden", "data", "a" * 200, "nul\0"])
def test_a_split_that_is_no_file_name_is_refused(split: str) -> None:
    with pytest.raises(DataError, match="cannot be the name of a file"):
        by_split(pl.DataFrame({"split": ["train", split]}))


def test_rows_without_a_split_go_to_a_file_of_their_own(tmp_path: Path) -> None:
    found = by_split(pl.DataFrame({"split": ["train", None, "train"]}))
    assert [(split, positions.tolist()) for split, positions in found] == [("train", [0, 2]), (None, [1])]


@pytest.mark.parametrize("sink", ["jsonl", "parquet", "csv, messages: text"])
def test_a_column_left_out_of_a_delivery_is_neither_in_it_nor_on_its_card(tmp_path: Path, sink: str) -> None:
    rows = [{"prompt": f"question {n}", "completion": "yes", "topic": "t", "secret": "s"} for n in range(3)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = (
        "tamis: 1\nname: r\nsources: [{use: files, path: rows.jsonl}]\nsteps: [{use: map.auto}]\n"
        f"deliver: [{{use: {sink}, path: out, without: [secret, source.prompt, source.completion]}}]\n"
    )
    execute(parse(recipe), tmp_path)
    out = tmp_path / "out"
    (path,) = (p for p in out.rglob("*") if p.suffix in (".jsonl", ".parquet", ".csv"))
    reading = {".jsonl": pl.read_ndjson, ".parquet": pl.read_parquet, ".csv": pl.read_csv}[path.suffix]
    assert "secret" not in reading(path).columns
    assert reading(path)["topic"].to_list() == ["t", "t", "t"]
    card = (out / "README.md").read_text()
    assert "topic" in card
    assert "secret" not in card
