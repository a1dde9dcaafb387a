"""What is bought is on the disk, byte for byte, before anybody reads it; kill -9 loses nothing that was told."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.errors import CorruptFile, DataError, DiskFull, WorkspaceBusy
from tamis.llm.journal import NAME, Journal, Record

LONG = bool(os.environ.get("TAMIS_LONG"))


def record(key: bytes, reply: bytes = b"{}", **fields: object) -> Record:
    first = Record(key.ljust(16, b"."), "chat", "place", "m", b"prompt..", "", b'{"q":1}', reply, 200)
    return first._replace(**fields)


def kept(path: Path, *records: Record) -> None:
    async def all_of_them() -> None:
        with Journal(path) as journal:
            await asyncio.gather(*(journal.keep(one) for one in records))

    asyncio.run(all_of_them())


def test_a_reply_is_found_again_byte_for_byte(tmp_path: Path) -> None:
    raws = [
        b"",
        b"\x00\xff",
        b"\x28\xb5\x2f\xfd not packed",
        b"x" * 100_000,
        "ü\u2028".encode() * 300,
        os.urandom(5000),
    ]
    records = [record(b"%d" % n, raw, request=raw[::-1], tokens_in=n, answered="m-1") for n, raw in enumerate(raws)]
    kept(tmp_path / NAME, *records)
    with Journal(tmp_path / NAME) as journal:
        for n, raw in enumerate(raws):
            found = journal.find(records[n].key)
            assert found is not None
            assert (found.reply, found.tokens_in, found.status, found.answered) == (raw, n, 200, "m-1")
            assert journal.request(records[n].key) == raw[::-1]
        assert journal.find(b"never asked.....") is None


def test_nothing_is_overwritten_and_the_newest_counts(tmp_path: Path) -> None:
    kept(tmp_path / NAME, record(b"a", b"first"))
    kept(tmp_path / NAME, record(b"a", b"second"))
    with Journal(tmp_path / NAME) as journal:
        found = journal.find(record(b"a").key)
        assert found is not None
        assert found.reply == b"second"
    rows = sqlite3.connect(tmp_path / NAME).execute("SELECT reply FROM replies ORDER BY id").fetchall()
    assert rows == [(b"first",), (b"second",)]


def test_a_reply_is_on_the_disk_when_its_caller_goes_on(tmp_path: Path) -> None:
    async def look() -> None:
        with Journal(tmp_path / NAME) as journal:
            for n in range(20):
                await journal.keep(record(b"%d" % n))
                other = sqlite3.connect(tmp_path / NAME)
                assert other.execute("SELECT count(*) FROM replies").fetchone() == (n + 1,)
                other.close()

    asyncio.run(look())


def test_a_cancelled_caller_loses_no_reply(tmp_path: Path) -> None:
    async def cancel() -> None:
        with Journal(tmp_path / NAME) as journal:
            task = asyncio.create_task(journal.keep(record(b"a")))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancel())
    with Journal(tmp_path / NAME) as journal:
        assert journal.find(record(b"a").key) is not None


def test_many_at_once_share_commits(tmp_path: Path) -> None:
    async def many() -> None:
        with Journal(tmp_path / NAME) as journal:
            commits: list[str] = []
            journal._writing.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
            await asyncio.gather(*(journal.keep(record(b"%d" % n)) for n in range(3000)))
            assert journal.spent().calls == 3000
            assert 1 <= len(commits) <= 30

    asyncio.run(many())


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        with Journal(tmp_path / "recorded" / NAME) as journal:
            journal.keep_now([record(b"a")])
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "recorded").iterdir()}
    finally:
        os.umask(old)
    assert set(modes) == {NAME, f"{NAME}-wal", f"{NAME}-shm"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "recorded").stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / "recorded").iterdir()] == [NAME]  # closed: all is in one file


def test_threads_may_write(tmp_path: Path) -> None:
    with Journal(tmp_path / NAME) as journal:
        threads = [
            threading.Thread(target=journal.keep_now, args=([record(b"%d" % (100 * t + n)) for n in range(50)],))
            for t in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert journal.spent().calls == 200


def test_two_processes_may_write(tmp_path: Path) -> None:
    with Journal(tmp_path / NAME) as one, Journal(tmp_path / NAME) as other:
        assert one.secret == other.secret
        one.keep_now([record(b"a")])
        other.keep_now([record(b"b")])
        assert one.find(record(b"b").key) == other.find(record(b"a").key)


@given(vectors=st.lists(st.lists(st.floats(width=16, allow_nan=False), min_size=3, max_size=3), max_size=5))
def test_vectors_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, vectors: list[list[float]]) -> None:
    path = tmp_path_factory.mktemp("vectors") / NAME
    single = {b"s%15d" % n: np.array(one, np.float32) for n, one in enumerate(vectors)}
    half = {b"h%15d" % n: np.array(one, np.float16) for n, one in enumerate(vectors)}

    async def keep() -> None:
        with Journal(path) as journal:
            await journal.keep_vectors(record(b"call"), single | half)

    asyncio.run(keep())
    with Journal(path) as journal:
        found = journal.vectors([*single, *half, b"unknown........."])
        assert found.keys() == (single | half).keys()
        for key, vector in (single | half).items():
            assert found[key].dtype == vector.dtype
            assert found[key].tobytes() == vector.tobytes()


def test_vectors_by_the_thousand(tmp_path: Path) -> None:
    vectors = {n.to_bytes(16, "big"): np.full(4, n, np.float32) for n in range(1234)}

    async def keep() -> None:
        with Journal(tmp_path / NAME) as journal:
            await journal.keep_vectors(record(b"call"), vectors)
            await journal.keep_vectors(record(b"call"), vectors)
            found = journal.vectors(list(vectors))
            assert {key: vector[0] for key, vector in found.items()} == {key: one[0] for key, one in vectors.items()}

    asyncio.run(keep())


def test_what_is_unknown_costs_not_nothing(tmp_path: Path) -> None:
    kept(
        tmp_path / NAME,
        record(b"a", usd=0.5, recipe="r"),
        record(b"b", usd=None, held_usd=2.0, recipe="r"),
        record(b"c", usd=0.25, recipe="other"),
    )
    with Journal(tmp_path / NAME) as journal:
        assert journal.spent("r") == (2, 0.5, 1, 2.5)
        assert journal.spent() == (3, 0.75, 1, 2.75)
        assert journal.spent("never run") == (0, 0.0, 0, 0.0)


def test_quantiles_are_those_of_the_prompt(tmp_path: Path) -> None:
    some = [record(b"%d" % n, prompt=b"this....", tokens_in=100 + n, tokens_out=n) for n in range(101)]
    kept(tmp_path / NAME, *some, record(b"x", prompt=b"other...", tokens_in=1, tokens_out=9999))
    with Journal(tmp_path / NAME) as journal:
        assert journal.quantiles(b"this....") == (101, 150, 195, 50, 95)
        assert journal.quantiles(b"none....") is None


def test_the_secret_is_made_once_and_stays(tmp_path: Path) -> None:
    with Journal(tmp_path / NAME) as journal:
        secret = journal.secret
    assert len(secret) == 32
    with Journal(tmp_path / NAME) as journal:
        assert journal.secret == secret
    with Journal(tmp_path / "other" / NAME) as journal:
        assert journal.secret != secret


# -- what goes wrong --------------------------------------------------------------------------


def test_a_locked_file_is_said_clearly_and_nothing_more_is_bought(tmp_path: Path) -> None:
    with Journal(tmp_path / NAME, wait=0.05) as journal:
        other = sqlite3.connect(tmp_path / NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(WorkspaceBusy, match=r"another process is writing to .*llm\.sqlite"):
            journal.keep_now([record(b"a")])
        with pytest.raises(WorkspaceBusy):
            journal.check()
        other.execute("ROLLBACK")
        other.close()


@pytest.mark.parametrize("damage", ["head", "middle", "cut", "text"])
def test_a_damaged_file_is_said_clearly(tmp_path: Path, damage: str) -> None:
    path = tmp_path / NAME
    kept(path, *(record(b"%d" % n, os.urandom(3000)) for n in range(200)))
    raw = bytearray(path.read_bytes())
    if damage == "head":
        raw[:100] = bytes(100)
    elif damage == "middle":
        raw[8192:-8192] = os.urandom(len(raw) - 16384)
    elif damage == "cut":
        raw = raw[: len(raw) // 2]
    else:
        raw = bytearray(b"these are notes about models, no database " * 200)
    path.write_bytes(raw)

    def use() -> None:
        with Journal(path) as journal:
            for n in range(200):
                journal.find(record(b"%d" % n).key)
            journal.keep_now([record(b"%d" % n) for n in range(200, 400)])

    with pytest.raises(CorruptFile, match="damaged") as told:
        use()
    assert ".recover" in str(told.value)


def test_a_reply_damaged_inside_is_said_clearly(tmp_path: Path) -> None:
    kept(tmp_path / NAME, record(b"a", b"x" * 1000))
    with sqlite3.connect(tmp_path / NAME) as other:
        other.execute("UPDATE replies SET reply = x'28b52ffd00'")
    other.close()
    with Journal(tmp_path / NAME) as journal, pytest.raises(CorruptFile, match="unpacked"):
        journal.find(record(b"a").key)


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / NAME) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(DataError, match="not a journal"):
        Journal(tmp_path / NAME)
    other = sqlite3.connect(tmp_path / NAME)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(DataError, match="format 99, not 1"):
        Journal(tmp_path / NAME)


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(DiskFull, match="cannot be written"):
        Journal(tmp_path / NAME)


def test_a_full_disk_stops_the_buying(tmp_path: Path) -> None:
    with Journal(tmp_path / NAME) as journal:
        journal.keep_now([record(b"a")])
        journal._writing.execute("PRAGMA max_page_count = 20")
        with pytest.raises(DiskFull, match="full"):
            journal.keep_now([record(b"%d" % n, os.urandom(3000)) for n in range(100)])
        with pytest.raises(DiskFull):
            journal.check()
        assert journal.find(record(b"a").key) is not None


# -- kill -9 ----------------------------------------------------------------------------------

CHILD = """
import asyncio, os, sys
from pathlib import Path
from tamis.llm.journal import Journal, Record

async def work(journal, name):
    for n in range(100_000):
        key = f"{name:04d}{n:08d}".encode().ljust(16, b".")
        await journal.keep(Record(key, "chat", "p", "m", b"prompt..", "", b"{}", key * 50, 200))
        os.write(1, key)  # told: from here on it must be there

async def all_of_them():
    with Journal(Path(sys.argv[1])) as journal:
        await asyncio.gather(*(work(journal, name) for name in range(20)))

asyncio.run(all_of_them())
"""


def test_kill_9_loses_nothing_that_was_told(tmp_path: Path) -> None:
    for moment in range(50 if LONG else 4):
        path = tmp_path / str(moment % 3) / NAME  # some journals are killed over and over
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        first = child.stdout.read(16)
        time.sleep(random.Random(moment).uniform(0, 0.15))
        child.send_signal(signal.SIGKILL)
        said = first + child.stdout.read()
        child.stdout.close()
        child.wait()
        told = {said[at : at + 16] for at in range(0, len(said) - 15, 16)}
        assert first in told
        with Journal(path) as journal:
            for key in told:
                found = journal.find(key)
                assert found is not None, key
                assert found.reply == key * 50
            assert journal._reading.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            journal.keep_now([record(b"after")])
