"""The map's page and what the report says of the map."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis._result import Result
from tamis.core.errors import UsageError
from tamis.recipe.model import Recipe
from tamis.runner.execute import RunResult, execute
from tamis.runs._report import map_page as made
from tamis.runs.built import Built
from tamis.runs.map import map_data
from tamis.runs.report import report_data, write_report
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.cluster.kmeans import Kmeans
from tamis.steps.embed.layout import Layout
from tamis.steps.filter.length import Length

BUNDLE = Built.of('var TamisMap={start(){"</script><!--"}};', "p{color:red}</style>", after=made.START)
NASTY = "</script><script>alert(1)</script>"


def run(folder: Path, *, layout: bool = True) -> Path:
    rows = [
        {"say": f"{topic} {n} {NASTY}", "key": f"{topic}{n}", "vector": [float(at == k) + n / 50 for k in range(3)]}
        for at, topic in enumerate(("card", "refund", "hotel"))
        for n in range(8)
    ]
    steps: list[Any] = [Kmeans(k=3, vectors="column:vector", name_by="column:say"), Length(view="column:say", min=2)]
    if layout:
        steps.insert(0, Layout(vectors="column:vector", method="pca"))
    recipe = Recipe(
        name="seen", sources=[Frames(data=rows, name="inbox", id=("key",))], steps=steps, deliver=[Jsonl(path="dist/out")]
    )  # fmt: skip
    return execute(recipe, folder).folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("mapped"))


def _given(page: str) -> dict[str, str]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found
    told: dict[str, str] = json.loads(found[1])
    return told


def test_the_page_holds_points_and_texts_and_runs_its_own_script_alone(folder: Path) -> None:
    data = map_data(folder)
    page = made.map_page(data, BUNDLE, title="a <b>")
    given = _given(page)
    assert gzip.decompress(base64.b64decode(given["map"])) == data.points()
    assert json.loads(gzip.decompress(base64.b64decode(given["texts"]))) == data.texts(0, 24)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert len(scripts) == 1
    assert scripts[0].endswith("TamisMap.start();")
    mark = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{mark}'" in page
    assert "default-src 'none'" in page
    assert "unsafe" not in page.split("</head>")[0].split("<style>")[0]
    assert NASTY not in page  # rows are packed, never written
    assert "<title>a &lt;b&gt;</title>" in page
    assert page == made.map_page(map_data(folder), BUNDLE, title="a <b>")  # the same bytes again


def test_texts_are_cut_to_their_share(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "TEXTS", 24 * 30)
    texts = json.loads(
        gzip.decompress(base64.b64decode(_given(made.map_page(map_data(folder), BUNDLE, title="t"))["texts"]))
    )
    assert {len(text) for text in texts} == {30}
    assert texts[0].endswith("…")


def test_the_report_tells_the_map_and_its_clusters(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "map_script", lambda: BUNDLE)
    html = write_report(folder).read_text()
    told = report_data(folder)["map"]
    assert (told["points"], told["without"], told["by"], told["page"]) == (24, 0, "cluster.kmeans", "map.html")
    assert [one["rows"] for one in told["clusters"]] == [8, 8, 8]
    assert '<a href="map.html">Open the map</a>' in html
    assert told["picture"] in html
    assert (folder / "map.html").read_text().startswith("<!doctype html>")


def test_where_the_script_is_not_built_the_report_says_how(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "map_script", lambda: None)
    html = write_report(folder).read_text()
    assert not (folder / "map.html").exists()
    assert "make web" in html
    assert "Open the map" not in html
    with pytest.raises(UsageError, match="script is not built"):
        Result(RunResult(folder, {})).map()


def test_a_run_without_a_layout_says_nothing_of_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "map_script", lambda: BUNDLE)
    other = run(tmp_path, layout=False)
    assert report_data(other)["map"] is None
    assert 'id="map"' not in write_report(other).read_text()
    assert not (other / "map.html").exists()


def test_the_picture_is_a_png_with_points_where_they_are() -> None:
    raw = made.picture(np.float32([0, 1]), np.float32([0, -1]), np.array([0, -1]))
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(raw):
        [size] = struct.unpack_from(">I", raw, at)
        name, body = raw[at + 4 : at + 8], raw[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", raw, at + 8 + size) == (zlib.crc32(name + body),)
        chunks[name], at = body, at + 12 + size
    assert struct.unpack(">II", chunks[b"IHDR"][:8]) == (made.WIDE, made.HIGH)
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(made.HIGH, 1 + 4 * made.WIDE)
    image = lines[:, 1:].reshape(made.HIGH, made.WIDE, 4)
    assert tuple(image[made.HIGH // 2, made.WIDE // 2][:3]) == (0x27, 0xA0, 0x93)
    seen = np.argwhere(image[:, :, 3] > 0)
    low = seen[seen[:, 0] > made.HIGH * 3 // 4]
    assert len(low)
    assert low[:, 1].min() > made.WIDE * 3 // 4


def test_in_a_notebook_the_map_stands_in_a_frame_of_its_own(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "map_script", lambda: BUNDLE)
    view = Result(RunResult(folder, {})).map()
    shown = view._repr_html_()
    assert shown.startswith("<iframe")
    assert 'sandbox="allow-scripts"' in shown
    assert "<script" not in shown  # escaped, as the frame's own document
    assert view.save(tmp_path / "map.html").read_text() == view.page
