"""Bytes of files, plain or compressed, in blocks of bounded size. What a file is, its first bytes say."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal

import xxhash

from tamis.core.errors import DataError
from tamis.core.origin import Input

Compression = Literal["plain", "gzip", "zstd", "xz"]

#: decompressed bytes of a block
BLOCK = 1 << 22
#: how many times its size a file may decompress to, once past RATIO_FROM bytes
MAX_RATIO = 500
RATIO_FROM = 1 << 30

_MAGIC: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\x00", "xz"),
)
_REFUSED = (
    (b"PK\x03\x04", "a ZIP archive (or an Excel or Word file)", "unpack it, or export it as CSV or JSONL"),
    (b"BZh", "bzip2", "recompress it with gzip, zstd or xz"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it"),
    (b"\x04\x22\x4d\x18", "lz4", "recompress it with gzip, zstd or xz"),
    (b"SQLite format 3\x00", "an SQLite database", "export the table as CSV"),
    (b"%PDF", "a PDF", "extract its text first"),
)
_UTF16 = (
    (b"\xff\xfe\x00\x00", "UTF-32 (little endian)"),
    (b"\x00\x00\xfe\xff", "UTF-32 (big endian)"),
    (b"\xff\xfe", "UTF-16 (little endian)"),
    (b"\xfe\xff", "UTF-16 (big endian)"),
)


def unchanged(what: Input) -> None:
    """DataError where the file is not the one that was cut."""
    try:
        status = Path(what.place).stat()
    except OSError as error:
        raise DataError(f"{what.path}: {error.strerror or error}; it was there a moment ago") from None
    if (status.st_size, status.st_mtime_ns) != (what.size, what.stamp):
        raise DataError(f"{what.path} changed while it was read", hint="run again when nothing writes to it")


def open_file(what: Input) -> BinaryIO:
    """The file's bytes as they lie on disk. DataError where it cannot be opened."""
    try:
        return Path(what.place).open("rb", buffering=0)
    except OSError as error:
        raise DataError(f"cannot read {what.path}: {error.strerror or error}") from None


def compression_of(head: bytes, path: str) -> Compression:
    """What the first bytes say. DataError for what cannot be read at all."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    for magic, word, hint in _REFUSED:
        if head.startswith(magic):
            raise DataError(f"{path} is {word}, which Tamis does not read", hint=hint)
    return "plain"


def refuse_utf16(head: bytes, path: str) -> None:
    """DataError naming the encoding where text is UTF-16 or UTF-32."""
    name = next((name for mark, name in _UTF16 if head.startswith(mark)), None)
    if name is None and len(head) >= 4 and head[0] and not head[1] and head[2] and not head[3]:
        name = "UTF-16 (little endian, without a byte order mark)"
    elif name is None and len(head) >= 4 and not head[0] and head[1] and not head[2] and head[3]:
        name = "UTF-16 (big endian, without a byte order mark)"
    if name is not None:
        raise DataError(
            f"{path} is encoded in {name}; Tamis reads UTF-8",
            hint=f"iconv -f {name.split(' ')[0]} -t UTF-8 {path} > utf8-{Path(path).name}",
        )


class Blocks:
    """A file's content, decompressed, in blocks. `digest` is of the bytes on disk, as far as they were read."""

    def __init__(self, what: Input, *, max_bytes: int) -> None:
        self.what = what
        self.digest = xxhash.xxh3_128()
        self.out = 0
        self.max_bytes = max_bytes
        with open_file(what) as file:
            self.compression = compression_of(file.read(16), what.path)

    def __iter__(self) -> Iterator[bytes]:
        with open_file(self.what) as file:
            reader = {"plain": self._plain, "gzip": self._gzip, "zstd": self._zstd, "xz": self._xz}[self.compression]
            try:
                yield from map(self._count, reader(file))
            except OSError as error:
                raise DataError(f"cannot read {self.what.path}: {error.strerror or error}") from None

    def _count(self, block: bytes) -> bytes:
        self.out += len(block)
        if self.compression != "plain":
            ratio = self.out / max(1, self.what.size)
            if self.out > self.max_bytes:
                raise DataError(
                    f"{self.what.path} decompresses to more than {self.max_bytes / 2**30:g} GB",
                    hint="raise `max_decompressed_gb:` of the source",
                )
            if self.out > RATIO_FROM and ratio > MAX_RATIO:
                raise DataError(
                    f"{self.what.path} decompresses to more than {MAX_RATIO} times its size; this may be a bomb",
                    hint="decompress it yourself if you trust it",
                )
        return block

    def _read(self, file: BinaryIO, size: int) -> bytes:
        data = file.read(size)
        self.digest.update(data)
        return data

    def _plain(self, file: BinaryIO) -> Iterator[bytes]:
        while data := self._read(file, BLOCK):
            yield data

    def _gzip(self, file: BinaryIO) -> Iterator[bytes]:
        data = b""
        while data := data.lstrip(b"\0") or self._read(file, 1 << 18).lstrip(b"\0"):  # one member after another
            member = _Gzip()
            yield from self._member(file, data, member, 1 << 18)
            data = member.inner.unused_data

    def _xz(self, file: BinaryIO) -> Iterator[bytes]:
        data = b""
        while data := data.lstrip(b"\0") or self._read(file, 1 << 18).lstrip(b"\0"):
            member = _Xz()
            yield from self._member(file, data, member, 1 << 18)
            data = member.inner.unused_data

    def _zstd(self, file: BinaryIO) -> Iterator[bytes]:
        data = b""
        while data := data or self._read(file, 1 << 12):
            member = _Zstd()
            # the library bounds input only: 4 kB of it are at most 128 MB
            yield from self._member(file, data, member, 1 << 12)
            data = member.inner.unused_data

    def _member(self, file: BinaryIO, data: bytes, member: _Member, size: int) -> Iterator[bytes]:
        """The content of one compressed member or frame, whose first bytes are `data`."""
        waiting: list[bytes] = []
        held = 0
        while not member.inner.eof:
            if not data and not member.more():
                data = self._read(file, size)
            block, data = member.feed(data), b"" if not data else member.rest()
            if not block and not data and not member.inner.eof and file.tell() >= self.what.size:
                if waiting:
                    yield b"".join(waiting)
                raise Broken(f"the {self.compression} stream is cut off")
            waiting.append(block)
            held += len(block)
            if held >= BLOCK:
                yield b"".join(waiting)
                waiting, held = [], 0
        if held:
            yield b"".join(waiting)


class Broken(Exception):
    """A compressed stream ends early or is damaged; whoever counts the rows says how far it came."""


class _Member:
    """One member of a compressed stream: feed() gives at most about BLOCK bytes and may leave a rest."""

    inner: Any

    def feed(self, data: bytes) -> bytes:
        raise NotImplementedError

    def rest(self) -> bytes:
        """Input that was not used yet."""
        return b""

    def more(self) -> bool:
        """Whether output waits that needs no new input."""
        return False


class _Gzip(_Member):
    def __init__(self) -> None:
        self.inner = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> bytes:
        try:
            return self.inner.decompress(data, BLOCK)  # type: ignore[no-any-return]
        except zlib.error as error:
            raise Broken(f"the gzip stream is damaged ({error})") from None

    def rest(self) -> bytes:
        return self.inner.unconsumed_tail  # type: ignore[no-any-return]


class _Xz(_Member):
    def __init__(self) -> None:
        self.inner = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=1 << 30)

    def feed(self, data: bytes) -> bytes:
        try:
            return self.inner.decompress(data, BLOCK)  # type: ignore[no-any-return]
        except lzma.LZMAError as error:
            raise Broken(f"the xz stream is damaged ({error})") from None

    def more(self) -> bool:
        return not self.inner.needs_input


class _Zstd(_Member):
    def __init__(self) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self.inner = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()

    def feed(self, data: bytes) -> bytes:
        try:
            return self.inner.decompress(data)  # type: ignore[no-any-return]
        except self._error as error:
            raise Broken(f"the zstd stream is damaged ({error})") from None
