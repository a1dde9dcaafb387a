"""Test sets that a user built once: one checked file each, named in recipes (`docs/benchmarks.md` has the format)."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tamis.core.errors import CorruptFile, DataError, UsageError, did_you_mean

from .store import writing
from .testsets import ENDINGS, Item, Named, ending, read_items

FORMAT, VERSION = "tamis-benchmark", 1
SUFFIX = ".jsonl.gz"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,99}")


class Benchmark(NamedTuple):
    """A test set: its name, its items, and what is known of it (licence, sources, counts)."""

    name: str
    items: tuple[Item, ...]
    facts: dict[str, Any]


def home() -> Path:
    """The folder of built benchmarks: TAMIS_BENCHMARKS, else in the user's own data folder."""
    named = os.environ.get("TAMIS_BENCHMARKS")
    if named:
        return Path(named)
    data = os.environ.get("XDG_DATA_HOME") or (os.environ.get("LOCALAPPDATA") if os.name == "nt" else None)
    return Path(data or Path.home() / ".local" / "share") / "tamis" / "benchmarks"


def is_file(word: str | Path) -> bool:
    """Whether what a recipe names is a file, not a benchmark that was built."""
    return isinstance(word, Path) or ending(Path(word)) != "" or "/" in word or "\\" in word


def place(name: str, folder: Path | None = None) -> Path:
    """Where a built benchmark stands. UsageError where the name cannot be one."""
    if not _NAME.fullmatch(name) or ending(Path(name)):
        raise UsageError(
            f"{name!r} cannot be a benchmark's name", hint="letters, digits, '-', '_' and '.', and no file's ending"
        )
    return (folder or home()) / f"{name}{SUFFIX}"


def known(folder: Path | None = None) -> list[str]:
    """The names of the benchmarks that were built, in order."""
    where = folder or home()
    found = (path.name.removesuffix(SUFFIX) for path in where.glob(f"*{SUFFIX}")) if where.is_dir() else ()
    return sorted(name for name in found if _NAME.fullmatch(name))


def located(name: str, folder: Path | None = None) -> Path:
    """The file of a built benchmark. UsageError where there is none."""
    path = place(name, folder)
    if not path.is_file():
        names = known(folder)
        told = did_you_mean(name, names) if names else "none has been built yet"
        raise UsageError(f"no benchmark {name!r}; {told}", hint=f"tamis benchmarks add {name} FILE …")
    return path


def add(
    name: str, files: Sequence[Path], *, named: Named | None = None, licence: str = "", replace: bool = False,
    folder: Path | None = None,
) -> Benchmark:  # fmt: skip
    """Build a benchmark from files. UsageError where one of that name is there, unless `replace`."""
    target = place(name, folder)
    if target.exists() and not replace:
        raise UsageError(f"the benchmark {name!r} is there already", hint="--replace builds it anew")
    items: list[Item] = []
    sources = []
    for file in files:
        if not file.is_file():
            raise DataError(f"no test set {str(file)!r}")
        if not ending(file):
            raise UsageError(f"{file.name}: the name must end in {', '.join(ENDINGS)} (or one of them with .gz)")
        found = read_items(file, named)
        sources.append(
            {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "items": len(found)}
        )
        items += [item._replace(id=f"{file.name}:{item.id}") for item in found] if len(files) > 1 else found
    body = "".join(_line(item) for item in items)
    facts = {
        "format": FORMAT, "version": VERSION, "name": name, "licence": licence, "items": len(items), "sources": sources,
        "sha256": hashlib.sha256(body.encode()).hexdigest(),
    }  # fmt: skip
    raw = gzip.compress((json.dumps(facts, ensure_ascii=False) + "\n" + body).encode(), mtime=0)
    with writing(target) as temporary:
        temporary.write_bytes(raw)
    return Benchmark(name, tuple(items), facts)


def _line(item: Item) -> str:
    record = {"id": item.id, "question": item.question, "answers": list(item.answers), "choices": list(item.choices)}
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"


def remove(name: str, folder: Path | None = None) -> Path:
    """Delete a built benchmark."""
    path = located(name, folder)
    path.unlink()
    return path


def read(path: Path) -> Benchmark:
    """A built benchmark. CorruptFile where it is not as it was written."""
    hint = "build it again: tamis benchmarks add"
    try:
        head, _, body = gzip.decompress(path.read_bytes()).decode().partition("\n")
        facts = json.loads(head)
    except (OSError, EOFError, ValueError) as error:
        raise CorruptFile(f"{path} cannot be read: {error}", hint=hint) from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise CorruptFile(f"{path} is no benchmark that was built", hint=hint)
    if facts.get("version") != VERSION:
        raise DataError(f"{path} is of version {facts.get('version')}; this Tamis reads version {VERSION}", hint=hint)
    if hashlib.sha256(body.encode()).hexdigest() != facts.get("sha256"):
        raise CorruptFile(f"{path}: the bytes are not the ones written", hint=hint)
    records = [json.loads(line) for line in body.split("\n") if line]
    items = (Item(r["id"], r["question"], tuple(r["answers"]), tuple(r["choices"])) for r in records)
    return Benchmark(str(facts["name"]), tuple(items), facts)


def load(name: str, path: Path, named: Named) -> Benchmark:
    """A test set by its file: one that was built, or any other."""
    if path.name.endswith(SUFFIX) and _is_built(path):
        return read(path)._replace(name=name)
    return Benchmark(name, tuple(read_items(path, named)), {})


def _is_built(path: Path) -> bool:
    """Whether a file begins as built ones do."""
    try:
        with gzip.open(path, "rb") as file:
            return file.read(64).startswith(b'{"format": "' + FORMAT.encode())
    except (OSError, EOFError):
        return True  # its bytes are not whole: let the reader say so
