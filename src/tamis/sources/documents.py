"""documents"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import xxhash
from pydantic import Field, PlainSerializer, SerializeAsAny

from tamis.core.errors import DataError
from tamis.core.origin import Batch, Cut, Input, Reading, Slice, Source
from tamis.core.registry import resolve
from tamis.core.step import Step, written

from .files import Files

Format = Literal["auto", "text", "markdown", "html"]
ENDINGS = {
    ".txt": "text", ".text": "text", ".md": "markdown", ".markdown": "markdown", ".mdx": "markdown",
    ".html": "html", ".htm": "html", ".xhtml": "html",
}  # fmt: skip
_COMPRESSED = (".gz", ".gzip", ".zst", ".zstd", ".xz")


def _as_text() -> tuple[Step, ...]:
    """What every document passes first: its text becomes the row's `text`."""
    step = resolve("steps", "map.text")
    assert issubclass(step, Step)
    return (step.model_validate({"column": "text"}),)


class Documents(Source):
    """Sections of documents: plain text, Markdown and HTML, one row a section.

    ## What it does
    Reads every file that `path` names: files, globs, folders with all that is below them. A row is what stands under
    one heading, a longer section is cut between paragraphs. Its columns are `path`, `title`, `headings` (from the
    outermost, joined by ` > `), `start` and `end` (code points of the file's text, where the section stands in it) and
    `text`, which is also the view `text`. In text and Markdown `text` is exactly what stands there; of HTML it is the
    content without tags, scripts, navigation, forms and footers. Headings in plain text are chapters, numbered lines
    and lines in capitals between blank lines; the notice around Project Gutenberg's books is left out.

    Text must be UTF-8: sections with other bytes are quarantined. A row's id is made of its path, headings and text, so
    that it stays when something is inserted before it.

    ## Why
    Questions are made from passages. Passages cut by length mix two subjects, and one whose place is not known cannot
    be looked up by whoever doubts an answer.

    ## Example
    >>> Documents(path="handbook/", max_characters=3000).label
    'documents'
    """

    version: ClassVar[int] = 1
    positions: ClassVar[tuple[str, ...]] = ("start", "end", "title")

    path: str | tuple[str, ...] = Field(description="File, folder, glob, or a list of them, relative to the recipe.")
    format: Format = Field("auto", description="What the files are; by default their endings say.")
    max_characters: int = Field(
        4000, ge=200, le=1_000_000, description="Longest text of a row; longer sections are cut between paragraphs."
    )
    encoding: Literal["strict", "replace"] = Field(
        "strict", description="Bytes that are no UTF-8: quarantine their section, or replace them by U+FFFD."
    )
    max_file_mb: int = Field(64, ge=1, le=1024, description="Largest document, decompressed, in MB.")
    allow_empty: bool = Field(False, description="Accept files without text, and paths that match nothing.")
    map: tuple[Annotated[SerializeAsAny[Step], PlainSerializer(written, return_type=dict)], ...] = Field(
        default_factory=_as_text, description="Steps that only these rows pass; by default `text` becomes the view."
    )

    def inputs(self, root: Path) -> tuple[list[Input], list[str]]:
        paths, others = [], dict[str, int]()
        for entry in [self.path] if isinstance(self.path, str) else self.path:
            place = root / Path(entry).expanduser()
            if not place.is_dir():
                paths.append(entry)
                continue
            below = sorted(self._below(place, others), key=os.fsencode)
            if not below and not self.allow_empty:
                raise DataError(f"{entry} holds no documents ({', '.join(ENDINGS)})", hint="name other files by a glob")
            paths += [str(path) for path in below]
        warnings = []
        if others:
            told = ", ".join(f"{count} × {ending or 'without ending'}" for ending, count in sorted(others.items()))
            warnings.append(f"not read, because they are no text, Markdown or HTML: {told}")
        if not paths:
            return [], warnings
        found, more = Files(path=tuple(paths), allow_empty=self.allow_empty).inputs(root)
        return found, [*warnings, *more]

    def _below(self, folder: Path, others: dict[str, int]) -> Iterator[Path]:
        """The documents in a folder. Hidden files and folders are none; links to folders are not followed."""
        for place, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in names:
                if name.startswith("."):
                    continue
                if _ending(name) in ENDINGS or self.format != "auto":
                    yield Path(place) / name
                else:
                    others[_ending(name)] = others.get(_ending(name), 0) + 1

    def cut(self, what: Input) -> Cut:
        if what.size == 0:
            return Cut((), "")
        self._format(what)
        data, content = self._bytes(what)
        if not data.strip():
            return Cut((), content)
        return Cut((Slice(what.path, 0, len(data), 1, xxhash.xxh3_128_hexdigest(data), len(data), what.path),), content)

    def read(self, what: Input, slices: Sequence[Slice], wanted: dict[str, Reading] | None = None) -> Iterator[Batch]:
        from ._document import batch

        for part in slices:
            data, _ = self._bytes(what)
            if xxhash.xxh3_128_hexdigest(data) != part.content:
                raise DataError(f"{what.path} changed while it was read", hint="run again when nothing writes to it")
            yield batch(data, what.path, self._format(what), self.max_characters, replace=self.encoding == "replace")

    def _bytes(self, what: Input) -> tuple[bytes, str]:
        """The document's bytes, decompressed, and the hash of the file. DataError where it is broken or too large."""
        from ._open import Blocks, Broken, refuse_utf16, unchanged

        blocks = Blocks(what, max_bytes=self.max_file_mb << 20)
        held, size = [], 0
        try:
            for block in blocks:
                held.append(block)
                size += len(block)
                if size > self.max_file_mb << 20:
                    raise DataError(
                        f"{what.path} is larger than {self.max_file_mb} MB, the largest document read",
                        hint="raise `max_file_mb:`; a document is read whole",
                    )
        except Broken as error:
            raise DataError(f"{what.path}: {error}; nothing of it is used", hint="fetch the file again") from None
        unchanged(what)
        data = b"".join(held)
        refuse_utf16(data[:4], what.path)
        return data, blocks.digest.hexdigest()

    def _format(self, what: Input) -> str:
        if self.format != "auto":
            return self.format
        found = ENDINGS.get(_ending(what.path))
        if found is None:
            raise DataError(
                f"{what.path}: its name does not say what it is", hint="name its `format:` (text, markdown, html)"
            )
        return found

    def reader(self) -> dict[str, Any]:
        fields = ("format", "max_characters", "encoding")
        return {"documents": self.version, **{name: getattr(self, name) for name in fields}}

    def check_empty(self, what: Input) -> None:
        if not self.allow_empty:
            raise DataError(f"{what.path} holds no text", hint="leave it out, or set `allow_empty: true`")


def _ending(path: str) -> str:
    name = Path(path)
    while name.suffix.lower() in _COMPRESSED:
        name = name.with_suffix("")
    return name.suffix.lower()
