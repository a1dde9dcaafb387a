"""How smoothly the map moves: python benchmarks/map_page.py [--points 200000] [--seconds 3] [--chromium /usr/bin/chromium]

The page that stands beside a report, with made-up points, in a headless Chromium without a graphics card (`--disable-gpu`). It is
dragged to and fro within the page; told are the page's frames and how often the map was drawn anew. A Markdown table.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from tamis.runs._report.map_page import map_page, map_script

DRAG = """(seconds) => new Promise((done) => {
  const stage = document.querySelector(".stage canvas") ?? document.querySelector(".stage");
  const box = stage.getBoundingClientRect();
  const at = (k) => ({ clientX: box.x + box.width / 2 + 200 * Math.sin(k / 12), clientY: box.y + box.height / 2 + 120 * Math.cos(k / 9) });
  const send = (kind, k) => stage.dispatchEvent(new PointerEvent(kind, { bubbles: true, pointerId: 1, isPrimary: true, button: 0, buttons: 1, ...at(k) }));
  let frames = 0, longest = 0, begun = 0, last = 0;
  send("pointerdown", 0);
  const step = (now) => {
    begun ||= now;
    if (last) longest = Math.max(longest, now - last);
    last = now;
    frames += 1;
    if (now - begun > seconds * 1000) {
      send("pointerup", frames);
      done({ frames: (frames - 1) / ((now - begun) / 1000), longest });
      return;
    }
    send("pointermove", frames);
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""


class Points:
    """Made-up points: as many clumps as topics, half of the rows dropped."""

    def __init__(self, points: int, clumps: int = 40) -> None:
        chance = np.random.default_rng(7)
        self.n, self.k = points, clumps
        self.cluster = chance.integers(0, clumps, points)
        self.centres = chance.uniform(-0.9, 0.9, (clumps, 2))
        self.xy = self.centres[self.cluster] + chance.normal(0, 0.05, (points, 2))

    def header(self) -> dict[str, object]:
        return self._laid()[0]

    def points(self) -> bytes:
        return self._laid()[1]

    def texts(self, start: int, stop: int) -> list[str]:
        return [f"row {k} of topic {self.cluster[k]}" for k in range(start, stop)]

    def _laid(self) -> tuple[dict[str, object], bytes]:
        ids = np.zeros((self.n, 4), "<u4")
        ids[:, 3] = np.arange(self.n)
        names = [f"topic {k}" for k in range(self.k)]
        rows = np.bincount(self.cluster, minlength=self.k)
        clusters = [
            {"id": k, "name": names[k], "rows": int(rows[k]), "x": self.centres[k, 0], "y": self.centres[k, 1]}
            for k in range(self.k)
        ]
        parts = [
            ({"name": "x", "kind": "place", "type": "f32"}, self.xy[:, 0].astype("<f4")),
            ({"name": "y", "kind": "place", "type": "f32"}, self.xy[:, 1].astype("<f4")),
            ({"name": "id", "kind": "id", "type": "u32"}, ids),
            ({"name": "topics", "kind": "cluster", "type": "u8", "values": names, "clusters": clusters}, self.cluster.astype("u1")),
        ]  # fmt: skip
        at, columns = 1 << 16, []
        for about, data in parts:
            columns.append({**about, "at": at})
            at += data.nbytes + -data.nbytes % 8
        head = {"format": 1, "run": "r/1", "layout": "l", "points": self.n, "rows": self.n, "without_place": 0, "view": "text", "left_out": [], "columns": columns}  # fmt: skip
        raw = json.dumps(head).encode().ljust((1 << 16) - 12)
        return head, b"TAMISMAP" + len(raw).to_bytes(4, "little") + raw + b"".join(
            data.tobytes() + bytes(-data.nbytes % 8) for _, data in parts
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    told = parser.parse_args()
    from playwright.sync_api import sync_playwright

    script = map_script()
    assert script is not None, "the map's script is not built: make web"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as player:
        path = Path(folder) / "map.html"
        path.write_text(map_page(Points(told.points), script, title="points"), encoding="utf-8")  # type: ignore[arg-type]
        browser = player.chromium.launch(executable_path=told.chromium, args=["--no-sandbox", "--disable-gpu"])
        print("| points | MB of page | frames/s of the page | maps drawn/s | longest frame ms | drawn by |")
        print("|---:|---:|---:|---:|---:|---|")
        for _ in range(3):
            tab = browser.new_page(viewport={"width": 1280, "height": 800})
            tab.goto(path.as_uri())
            tab.wait_for_selector(".stage canvas")
            tab.wait_for_timeout(2500)
            drawn = "Number(document.querySelector('.stage').dataset.frames)"
            before = tab.evaluate(drawn)
            found = tab.evaluate(DRAG, told.seconds)
            painted = (tab.evaluate(drawn) - before) / told.seconds
            by = tab.evaluate("document.querySelector('.stage').dataset.renderer ?? '?'")
            size = path.stat().st_size / 1e6
            print(
                f"| {told.points:,} | {size:.1f} | {found['frames']:.1f} | {painted:.1f} | {found['longest']:.0f} | {by} |",
                flush=True,
            )
            tab.close()
        browser.close()


if __name__ == "__main__":
    main()
