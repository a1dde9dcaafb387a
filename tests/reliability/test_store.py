"""A cluster whose nodes share an object store and no path: the same bytes; and what is purged is purged there too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.runs.purge import purge

from .cluster import Cluster, free_port
from .test_ray import prepare
from .workshop import Outcome, Process, leftovers, outcome, run, small_slices

pytest.importorskip("ray", reason='Ray is not installed: pip install "tamis[ray]"')
pytest.importorskip("obstore", reason='obstore is not installed: pip install "tamis[store]"')
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists()
    or subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0,
    reason="this system lets nobody hide a folder from a process",
)

BUCKET = "tamis-test"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace that has not run."""
    return prepare(tmp_path_factory.mktemp("store") / "mill")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What a run on threads says."""
    folder = prepare(tmp_path_factory.mktemp("threads") / "mill")
    with small_slices():
        run(folder)
    return outcome(folder)


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    """A server that speaks S3; the variables that lead to it."""
    pytest.importorskip("moto", reason="the S3 server for tests is not installed")
    port = free_port()
    words = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                request = urllib.request.Request(f"{url}/{BUCKET}", method="PUT")
                urllib.request.urlopen(request, timeout=5).close()
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.1)
        yield {
            "AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "one",
            "AWS_SECRET_ACCESS_KEY": "two", "AWS_REGION": "us-east-1",
        }  # fmt: skip
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def cluster(place: Path, s3: dict[str, str]) -> Iterator[Cluster]:
    """Two nodes; where the workspace's files would be, the second one has a folder of its own."""
    (place / ".tamis").mkdir()
    os.environ.update(s3)
    made = Cluster()
    try:
        made.add(hidden=place / ".tamis")
        yield made
    finally:
        left = made.end()
        for name in s3:
            del os.environ[name]
    assert left == [], "processes outlive their cluster"


def at(cluster: Cluster, folder: Path, url: str, **env: str) -> Process:
    return Process(folder, "--on", cluster.address, "--store", url, **cluster.environment, **env)


@pytest.mark.parametrize("kind", ["s3", "file"])
def test_nodes_that_share_a_store_and_no_path_give_the_bytes_of_threads(
    kind: str, cluster: Cluster, place: Path, expected: Outcome, s3: dict[str, str], tmp_path: Path
) -> None:
    url = f"s3://{BUCKET}/mill" if kind == "s3" else f"file://{tmp_path}/objects"
    (place / "seen").mkdir(exist_ok=True)
    said = at(cluster, place, url, **s3).end()
    assert (said.code, said.err) == (0, ""), said.err
    assert {path.name for path in (place / "seen").iterdir()} == {"127.0.0.2", "127.0.0.3"}, "both nodes judged"
    assert outcome(place) == expected
    assert leftovers(place) == []
    held = {
        Path(one["path"]).name: one["files"] for one in purge(place, really=False)["deleted"] if "://" in one["path"]
    }
    assert set(held) == {"raw", "cache"}
    assert held["cache"] > 20
    # the text of rows is found again where this machine has lost it
    for path in (place / ".tamis/cache").glob("*/*/*.parquet"):
        path.unlink()
    words = [sys.executable, "-m", "tamis", "why", "order 3", "-w", str(place), "--json"]
    told = subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ, **s3}).stdout
    [row] = json.loads(told)["rows"][:1]
    assert row["row"]
    assert "text_gone" not in row
    purge(place)
    assert [one for one in purge(place, really=False)["deleted"] if "://" in one["path"]] == []
    if kind == "file":
        left = [path for path in (tmp_path / "objects").rglob("*") if path.is_file()]
        assert left == []
    for name in ("runs", "dist", "seen"):
        shutil.rmtree(place / name)


def test_what_was_done_without_a_store_is_used_with_it(
    cluster: Cluster, place: Path, s3: dict[str, str], tmp_path: Path
) -> None:
    other = prepare(tmp_path / "mill")
    with small_slices():
        run(place)
        for folder in (place, other):
            recipe = folder / "recipe.yaml"
            text = recipe.read_text(encoding="utf-8")
            recipe.write_text(
                text.replace("deliver:", "  - {use: filter.length, id: last, in: prompt, min: 4}\ndeliver:")
            )
        run(other)
    said = at(cluster, place, f"file://{tmp_path}/objects", **s3).end()
    assert (said.code, said.err) == (0, ""), said.err
    assert outcome(place).delivered == outcome(other).delivered


def test_a_store_is_one_workspaces(tmp_path: Path, cluster: Cluster, s3: dict[str, str]) -> None:
    other = prepare(tmp_path / "mill")
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects/workspace.json").write_text("somebody")
    said = at(cluster, other, f"file://{tmp_path}/objects", **s3).end()
    assert said.code == 2
    assert said.err == (
        f"tamis: file://{tmp_path}/objects holds another workspace\nHint: give each workspace a prefix of its own\n"
    )


def test_what_is_no_store_is_told(tmp_path: Path, cluster: Cluster, s3: dict[str, str]) -> None:
    other = prepare(tmp_path / "mill")
    said = at(cluster, other, "tape://one", **s3).end()
    assert said.code == 2
    assert "--store 'tape://one' is no object store" in said.err
    assert "s3://BUCKET/PREFIX" in said.err
    said = at(cluster, other, "s3://nobody-made-this/x", **s3).end()
    assert said.code == 1
    assert "s3://nobody-made-this/x cannot be used" in said.err
    said = Process(other, "--store", "s3://x").end()
    assert said.code == 2
    assert "--store is for a cluster" in said.err
