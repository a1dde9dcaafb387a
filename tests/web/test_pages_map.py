"""The map as people use it, in a real browser without a graphics card: the report's page and the app's room."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.runs._report.map_page import map_page, map_script
from tamis.runs.map import map_data

from .pages import needs_pages
from .workspace_of_maps import Looking, axe, browser, serving, workspace

pytestmark = needs_pages
MANY = 200_000
CENTRES = ((-0.6, 0.5), (0.6, 0.5), (0.0, -0.5))


class Given:
    """What a page is made of, with as many points as wanted: three clumps, of which the first holds every kept row."""

    def __init__(self, points: int) -> None:
        chance = np.random.default_rng(5)
        self.n = points
        self.cluster = np.arange(points) % 3
        self.xy = np.array(CENTRES)[self.cluster] + chance.normal(0, 0.06, (points, 2))

    def header(self) -> dict[str, Any]:
        return self._laid()[0]

    def points(self) -> bytes:
        return self._laid()[1]

    def texts(self, start: int, stop: int) -> list[str]:
        return [f"row {k} about {('cards', 'refunds', 'hotels')[k % 3]}" for k in range(start, stop)]

    def _laid(self) -> tuple[dict[str, Any], bytes]:
        n = self.n
        ids = np.zeros((n, 4), "<u4")
        ids[:, 3] = np.arange(n)
        parts = [
            ({"name": "x", "kind": "place", "type": "f32"}, self.xy[:, 0].astype("<f4")),
            ({"name": "y", "kind": "place", "type": "f32"}, self.xy[:, 1].astype("<f4")),
            ({"name": "id", "kind": "id", "type": "u32"}, ids),
            ({"name": "fate", "kind": "category", "type": "u8", "values": ["kept", "length: too_short", "dedup: copy"],
              "fates": [{"outcome": o, "step": s, "reason": None, "sentence": None} for o, s in (("kept", None), ("dropped", "length"), ("merged", "dedup"))]},
             self.cluster.astype("u1")),
            ({"name": "score", "kind": "number", "type": "f32", "min": 0.0, "max": 1.0}, np.linspace(0, 1, n, dtype="<f4")),
            ({"name": "topics", "kind": "cluster", "type": "u8", "values": ["cards", "refunds", "hotels"],
              "clusters": [{"id": k, "name": name, "rows": n // 3, "x": CENTRES[k][0], "y": CENTRES[k][1]} for k, name in enumerate(("cards", "refunds", "hotels"))]},
             self.cluster.astype("u1")),
        ]  # fmt: skip
        room = 4096 - 12
        at, columns = 4096, []
        for about, data in parts:
            columns.append({**about, "at": at})
            at += data.nbytes + -data.nbytes % 8
        head = {"format": 1, "run": "r/1", "layout": "l", "points": n, "rows": n, "without_place": 0, "view": "text", "left_out": [], "columns": columns}  # fmt: skip
        raw = json.dumps(head).encode().ljust(room)
        body = b"".join(data.tobytes() + bytes(-data.nbytes % 8) for _, data in parts)
        return head, b"TAMISMAP" + len(raw).to_bytes(4, "little") + raw + body


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    built = map_script()
    assert built is not None
    path = tmp_path_factory.mktemp("map") / "map.html"
    path.write_text(map_page(Given(MANY), built, title="many points"), encoding="utf-8")  # type: ignore[arg-type]
    return path.as_uri()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


def opened(chromium: Any, page: str, *, width: int = 1200, scheme: str = "light", **more: Any) -> Looking:
    look = Looking(chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme, **more))
    look.tab.goto(page)
    look.drawn()
    return look


#: what stands in the picture: [x, y] of the stage in shares, to the colour there
PIXEL = """([fx, fy]) => {
  const canvas = document.querySelector('.stage canvas');
  const copy = document.createElement('canvas'); copy.width = canvas.width; copy.height = canvas.height;
  const context = copy.getContext('2d'); context.drawImage(canvas, 0, 0);
  return [...context.getImageData(fx * canvas.width, fy * canvas.height, 1, 1).data];
}"""


def spot(look: Looking, at: tuple[float, float]) -> tuple[float, float]:
    """Where a place of the map stands in the window."""
    box = look.tab.locator(".stage").bounding_box()
    points = Given(MANY).xy
    low, high = points.min(axis=0), points.max(axis=0)
    middle = (low + high) / 2
    scale = min((box["width"] - 48) / (high[0] - low[0]), (box["height"] - 48) / (high[1] - low[1]))
    return (
        box["x"] + box["width"] / 2 + (at[0] - middle[0]) * scale,
        box["y"] + box["height"] / 2 - (at[1] - middle[1]) * scale,
    )


def pixel(look: Looking, at: tuple[float, float]) -> list[int]:
    box = look.tab.locator(".stage").bounding_box()
    x, y = spot(look, at)
    found: list[int] = look.tab.evaluate(PIXEL, [(x - box["x"]) / box["width"], (y - box["y"]) / box["height"]])
    return found[:3]


def near(a: list[int], b: tuple[int, int, int], by: int = 40) -> bool:
    return all(abs(x - y) <= by for x, y in zip(a, b, strict=True))


def told(look: Looking) -> str:
    return " ".join(look.tab.locator(".told").inner_text().split())


def test_200000_points_are_drawn_and_nothing_is_asked_for(chromium: Any, page: str) -> None:
    look = opened(chromium, page)
    drawn = look.drawn()
    assert drawn["drawn"] == str(MANY)
    assert drawn["renderer"] == "canvas"  # no graphics card here, and WebGL by the processor is slower
    colours = [pixel(look, at) for at in CENTRES]
    assert all(not near(one, (253, 252, 250), 60) for one in colours), colours
    assert len({tuple(one) for one in colours}) == 3
    assert near(pixel(look, (0, 0.5)), (253, 252, 250), 3)  # between the clumps is nothing
    names = look.tab.locator(".names bdi").all_inner_texts()
    assert sorted(names) == ["cards", "hotels", "refunds"]
    assert look.asked == [page]
    assert look.said == []
    look.tab.close()


def test_webgl_draws_the_same(chromium: Any, page: str, tmp_path: Path) -> None:
    path = Path(page.removeprefix("file://"))
    built = map_script()
    assert built is not None
    script = built.script.replace("failIfMajorPerformanceCaveat:!0", "failIfMajorPerformanceCaveat:!1").replace(
        "swiftshader|", "no such renderer|"
    )
    assert script != built.script
    other = tmp_path / "gl.html"
    other.write_text(map_page(Given(20_000), built._replace(script=script), title="gl"), encoding="utf-8")  # type: ignore[arg-type]
    look = opened(chromium, other.as_uri())
    if look.drawn()["renderer"] != "webgl":
        pytest.skip("this browser has no WebGL 2")
    flat = opened(chromium, page)
    said = [one for one in look.said if "ReadPixels" not in one]  # Chromium on reading a picture back
    assert said == []
    assert path.exists()
    shot = look.tab.locator(".stage").screenshot()
    assert len(shot) > 20_000
    assert shot != flat.tab.locator(".stage").screenshot()
    look.tab.close()
    flat.tab.close()


def test_lasso_and_box_select_the_rows_they_hold(chromium: Any, page: str) -> None:
    look = opened(chromium, page)
    tab = look.tab
    for key, corners in (("l", ((-1, 0.05), (-0.2, 0.05), (-0.2, 1), (-1, 1))), ("b", ((-1, 0.05), (-0.2, 1)))):
        tab.keyboard.press(key)
        places = [spot(look, at) for at in corners]
        tab.mouse.move(*places[0])
        tab.mouse.down()
        for place in places[1:]:
            tab.mouse.move(*place, steps=4)
        tab.mouse.up()
        look.until("document.querySelector('.told').innerText.includes('selected')")
        assert "66,667 selected" in told(look)  # all of the first clump, and none of the others
        assert [row.endswith("cards") for row in rows(look)] == [True] * len(rows(look))
        tab.keyboard.press("Escape")
        look.until("document.querySelector('.told').innerText.includes('in sight')")
    # without dragging: corner by corner, and Enter
    tab.keyboard.press("l")
    for at in ((0.2, 0.2), (0.9, 0.2), (0.9, 0.76), (0.2, 0.76)):
        tab.mouse.click(*spot(look, at))
    tab.keyboard.press("Enter")
    look.until("document.querySelector('.told').innerText.includes('selected')")
    assert told(look).startswith("66,66")
    look.until("[...document.querySelectorAll('.points button')].some(one => one.innerText.includes('refunds'))")
    tab.close()


def rows(look: Looking) -> list[str]:
    found: list[str] = look.tab.evaluate("[...document.querySelectorAll('.points bdi')].map(one => one.innerText)")
    return found


def test_search_dims_the_others_and_counts(chromium: Any, page: str) -> None:
    look = opened(chromium, page)
    tab = look.tab
    tab.keyboard.press("/")
    tab.keyboard.type("ABOUT hotels")
    look.until("document.querySelector('.foot').innerText.includes('66,666 hold')")
    look.drawn()
    tab.wait_for_timeout(300)
    assert near(pixel(look, CENTRES[0]), (206, 203, 196), 12)  # dimmed
    assert not near(pixel(look, CENTRES[2]), (206, 203, 196), 30)
    tab.fill("input[type=search]", f"{MANY - 1:032x}")
    look.until("document.querySelector('.foot').innerText.includes('1 hold')")
    tab.close()


def test_colours_by_fate_and_score_and_one_alone(chromium: Any, page: str) -> None:
    look = opened(chromium, page)
    tab = look.tab
    tab.select_option("select", "fate")
    look.until("document.querySelector('.legend').innerText.includes('kept')")
    tab.wait_for_timeout(300)
    kept, dropped = pixel(look, CENTRES[0]), pixel(look, CENTRES[1])
    assert (kept[1] > kept[0], dropped[0] > dropped[1]) == (True, True)  # teal, brown
    lines = tab.locator(".legend li").all_inner_texts()
    assert [one.split() for one in lines] == [["kept", "66,667", "rows"], ["dropped", "66,667", "rows"], ["merged", "66,666", "rows"]]  # fmt: skip
    tab.click(".legend button:has-text('dropped')")
    tab.wait_for_timeout(400)
    assert near(pixel(look, CENTRES[0]), (206, 203, 196), 12)
    assert "66,667 rows in sight" in told(look)
    tab.select_option("select", "score")
    look.until("document.querySelectorAll('.legend li').length === 8")
    assert sum(int(one.split()[-2].replace(",", "")) for one in tab.locator(".legend li").all_inner_texts()) == MANY
    tab.close()


def test_by_keyboard_alone(chromium: Any, page: str) -> None:
    look = opened(chromium, page)
    tab = look.tab
    tab.locator(".stage").focus()
    before = look.drawn()["frames"]
    tab.keyboard.press("ArrowRight")
    first = look.until("document.querySelector('.reading')?.innerText ?? ''")
    ring = tab.locator(".ring").get_attribute("cx")
    tab.keyboard.press("ArrowRight")
    look.until(f"document.querySelector('.ring').getAttribute('cx') !== '{ring}'")
    assert tab.locator(".reading").inner_text() != first
    assert float(tab.locator(".ring").get_attribute("cx")) > float(ring)
    look.until("document.querySelector('[aria-live]').innerText.includes('about')")
    tab.keyboard.press("Enter")
    look.until("document.activeElement.className.includes('tx')")
    tab.locator(".stage").focus()
    tab.keyboard.press("+")
    look.until(
        f"+document.querySelector('.stage').dataset.frames > {before} && document.querySelector('.stage').dataset.still === 'true'"
    )
    look.until("!document.querySelector('.told').innerText.startsWith('200,000')")
    tab.keyboard.press("s")
    look.until("document.querySelector('.told').innerText.includes('selected')")
    for _ in range(3):
        tab.keyboard.press("Escape")
    assert tab.locator(".reading").count() == 0
    tab.keyboard.press("0")
    look.until("document.querySelector('.told').innerText.startsWith('200,000')")
    tab.keyboard.press("/")
    look.until("document.activeElement.type === 'search'")
    tab.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1200])
def test_nothing_overflows_and_axe_finds_nothing(chromium: Any, page: str, width: int, scheme: str) -> None:
    look = opened(chromium, page, width=width, scheme=scheme)
    assert look.tab.evaluate("document.documentElement.scrollWidth") <= width
    ground = (253, 252, 250) if scheme == "light" else (21, 23, 27)
    assert near(look.tab.evaluate(PIXEL, [0.01, 0.01])[:3], ground, 2)
    bypass = opened(
        chromium, page, width=width, scheme=scheme, bypass_csp=True
    )  # axe is a script of ours, not the page's
    assert axe(bypass) == []
    look.tab.close()
    bypass.tab.close()


def test_fewer_points_move_where_drawing_is_slow_and_all_stand_still(chromium: Any, page: str) -> None:
    look = opened(chromium, page)
    tab = look.tab
    tab.evaluate(
        "() => { const real = CanvasRenderingContext2D.prototype.putImageData;"
        "CanvasRenderingContext2D.prototype.putImageData = function (...all) { const end = performance.now() + 60; while (performance.now() < end); return real.apply(this, all); } }"
    )
    x, y = spot(look, (0.0, 0.0))
    tab.mouse.move(x, y)
    tab.mouse.down()
    for k in range(12):
        tab.mouse.move(x + 4 * k, y, steps=2)
    moving = int(tab.evaluate("document.querySelector('.stage').dataset.drawn"))
    tab.mouse.up()
    assert moving < MANY
    look.drawn()
    look.until(f"document.querySelector('.stage').dataset.drawn === '{MANY}'")
    tab.close()


def test_a_damaged_map_says_so(chromium: Any, tmp_path: Path, page: str) -> None:
    whole = Path(page.removeprefix("file://")).read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    broken.write_text(whole.replace('{"map": "', '{"map": "AAAA', 1), encoding="utf-8")
    look = Looking(chromium.new_page())
    look.tab.goto(broken.as_uri())
    assert "The map cannot be shown" in look.until("document.querySelector('[role=alert]')?.innerText")
    look.tab.close()


def test_the_room_reads_the_runs_own_map(chromium: Any, tmp_path: Path) -> None:
    root = workspace(tmp_path)
    data = map_data(root / "runs/seen/1")
    with serving(root) as link:
        look = Looking(chromium.new_page(viewport={"width": 1200, "height": 800}))
        base = look.enter(link)
        look.tab.goto(base + "#/map?run=seen%2F1&colour=fate")
        look.drawn()
        points = data.header()["points"]
        look.until(f"document.querySelector('.told')?.innerText.startsWith('{points}')")
        look.until("[...document.querySelectorAll('.points bdi')].every(one => one.innerText !== '…')", 60)
        assert rows(look)[:3] == [text[:160] for text in data.texts(0, 3)]
        look.tab.click(".points button >> nth=1")
        href = look.until("document.querySelector('.reading a')?.getAttribute('href')")
        assert "rows" in href
        assert "row=" in href
        assert [one for one in look.said if "policy" in one.lower() or "Error" in one] == []
        assert all(one.startswith(link.split("/enter")[0].rsplit("/", 1)[0]) for one in look.asked)
        look.tab.close()
    shutil.rmtree(root / ".tamis")
