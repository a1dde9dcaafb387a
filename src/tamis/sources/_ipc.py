"""Arrow IPC streams, batch by batch: Polars reads a stream only as a whole.

A stream is messages: 0xFFFFFFFF, the length of the metadata, the metadata (a flatbuffer), the body. Each batch is
handed to Polars as a stream of its own, behind the schema and the dictionaries that stood before it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from ._open import Broken

_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
_MARK = b"\xff\xff\xff\xff"
_END = _MARK + bytes(4)


def batches(file: BinaryIO) -> Iterator[pl.DataFrame]:
    """The batches of a stream. Broken where it is cut off."""
    before = b""
    while (message := _message(file)) is not None:
        kind, data = message
        if kind == _BATCH:
            yield pl.read_ipc_stream(io.BytesIO(before + data + _END))
        elif kind in (_SCHEMA, _DICTIONARY):
            before += data


def _message(file: BinaryIO) -> tuple[int, bytes] | None:
    """The next message: what it is, and its bytes; None at the stream's end."""
    head = file.read(8)
    if head == _END or head == b"":
        return None
    if len(head) < 8 or head[:4] != _MARK:
        raise Broken("the Arrow stream is cut off or damaged")
    size = struct.unpack("<i", head[4:])[0]
    metadata = _exactly(file, size)
    kind, body = _look(metadata)
    return kind, head + metadata + _exactly(file, body)


def _look(metadata: bytes) -> tuple[int, int]:
    """The kind of a message and the length of its body, from the table `Message` of the format."""
    try:
        table = struct.unpack_from("<I", metadata, 0)[0]
        slots = table - struct.unpack_from("<i", metadata, table)[0]
        size = struct.unpack_from("<H", metadata, slots)[0]
        kind, body = (struct.unpack_from("<H", metadata, slots + at)[0] if at < size else 0 for at in (6, 10))
        return metadata[table + kind], struct.unpack_from("<q", metadata, table + body)[0] if body else 0
    except (struct.error, IndexError):
        raise Broken("the Arrow stream is damaged") from None


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = file.read(size - len(data))
        if not more:
            raise Broken("the Arrow stream is cut off")
        data += more
    return data
