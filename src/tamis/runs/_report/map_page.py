"""The map as a page that holds everything: the built script, its styles, the points and the beginnings of texts.

Where the script was not built there is no page, and what is asked for it says how to build it.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.runs.built import Built, built
from tamis.runs.map import MapData

#: characters of all texts together, at most; each is cut to its share of them
TEXTS = 24_000_000
#: texts read at once
PIECE = 20_000
#: pixels of the small picture
WIDE, HIGH = 560, 360
#: colours of the small picture, those of the map on light ground, in the middle between both grounds
COLOURS = ("27a093", "bb710b", "845af5", "b0485c", "5b62e6", "a8602a", "8a71a5", "7b58a6")
PLAIN = "5b9dbd"


#: what the page's script does last
START = "\nTamisMap.start();"


def map_script() -> Built | None:
    """The map's script; None where it was not built."""
    return built("map", "map", after=START)


def map_page(data: MapData, made: Built, *, title: str) -> str:
    """One HTML file. Nothing is loaded from anywhere, and the page's own policy forbids it."""
    points = data.header()["points"]
    given = {"map": _packed(data.points()), "texts": _packed(_texts(data, points))}
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{made.policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n'
        f"<title>{html.escape(title)}</title>\n<style>{made.style}</style>\n</head>\n<body>\n"
        '<div id="map"></div>\n<noscript><p>The map needs JavaScript.</p></noscript>\n'
        f'<script type="application/json" id="data">{json.dumps(given)}</script>\n'  # base 64 holds no "<"
        f"<script>{made.script}</script>\n</body>\n</html>\n"
    )


def _packed(raw: bytes) -> str:
    """Gzip in base 64; the same bytes give the same text."""
    return base64.b64encode(gzip.compress(raw, 6, mtime=0)).decode()


def _texts(data: MapData, points: int) -> bytes:
    most = max(24, TEXTS // max(1, points))
    told: list[str] = []
    for start in range(0, points, PIECE):
        for text in data.texts(start, min(points, start + PIECE)):
            told.append(text if len(text) <= most else text[: most - 1] + "…")
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


# -- what the report says of it -----------------------------------------------------------------


def map_told(data: MapData) -> dict[str, Any]:
    """What the report says of a map, as JSON values: how many points, a small picture, the clusters with their rows."""
    head = data.header()
    raw = data.points()
    columns = {one["name"]: one for one in head["columns"]}
    n = head["points"]
    x, y = (np.frombuffer(raw, "<f4", n, columns[name]["at"]) for name in ("x", "y"))
    grouped = [one for one in head["columns"] if one["kind"] == "cluster"]
    groups: list[dict[str, Any]] = []
    colour = np.full(n, -1)
    if grouped:
        last = grouped[-1]
        code = np.frombuffer(raw, {"u8": "u1", "u16": "<u2", "u32": "<u4"}[last["type"]], n, last["at"])
        some = np.array([one is not None for one in last["clusters"]])
        colour = np.where(some[code], code % len(COLOURS), -1)
        groups = [
            {"name": one["name"] or f"cluster {one['id']}", "rows": one["rows"]} for one in last["clusters"] if one
        ]
        groups.sort(key=lambda one: (-one["rows"], one["name"]))
    return {
        "layout": head["layout"], "points": n, "without": head["without_place"], "by": grouped[-1]["name"] if grouped else None,
        "clusters": groups, "picture": base64.b64encode(picture(x, y, colour)).decode(),
    }  # fmt: skip


def picture(x: NDArray[np.float32], y: NDArray[np.float32], colour: NDArray[np.int64]) -> bytes:
    """The points as a PNG without ground: places in -1..1, colours by number, -1: the plain one. Denser is less transparent,
    and few points are drawn as larger dots."""
    size = min(WIDE, HIGH) / 2 - 6
    palette = np.array([_rgb(PLAIN), *map(_rgb, COLOURS)], np.float64)[np.asarray(colour, np.int64) + 1]
    reach = 2 if len(x) < 2_000 else 1 if len(x) < 50_000 else 0
    many, sums = np.zeros(WIDE * HIGH), np.zeros((3, WIDE * HIGH))
    for right in range(-reach, reach + 1):
        for down in range(-reach, reach + 1):
            if right * right + down * down > reach * reach:
                continue  # dots are round
            column = np.clip(WIDE / 2 + x * size + right, 0, WIDE - 1).astype(np.int64)
            spots = np.clip(HIGH / 2 - y * size + down, 0, HIGH - 1).astype(np.int64) * WIDE + column
            many += np.bincount(spots, minlength=WIDE * HIGH)
            for part in range(3):
                sums[part] += np.bincount(spots, palette[:, part], WIDE * HIGH)
    image = np.empty((WIDE * HIGH, 4))
    image[:, :3] = (sums / np.maximum(1, many)).T
    image[:, 3] = np.where(many > 0, 255 * (1 - 0.35 ** np.minimum(many, 20)), 0)
    return _png(np.rint(image).astype(np.uint8).reshape(HIGH, WIDE, 4))


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:], 16)


def _png(image: NDArray[np.uint8]) -> bytes:
    """An image (height, width, 4) as PNG: one IDAT, no filter (PNG specification, W3C 2003)."""
    high, wide, _ = image.shape
    lines = np.zeros((high, 1 + 4 * wide), np.uint8)
    lines[:, 1:] = image.reshape(high, 4 * wide)
    parts: Sequence[tuple[bytes, bytes]] = (
        (b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 6, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    chunks = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
