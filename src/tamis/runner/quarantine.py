"""Lines that are no rows: counted, named, kept for those who may see raw text, and judged at the end."""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from tamis.core.errors import TooManyQuarantined
from tamis.engine.store import writing

#: lines that are kept by name and with their bytes; all are counted
KEPT = 10_000


class Quarantined(NamedTuple):
    """A line that is no row. lines: how many lines it is."""

    source: str
    file: str
    line: int
    cause: str
    message: str
    lines: int = 1


class Quarantine:
    """All lines of a run that could not be read."""

    def __init__(self) -> None:
        self.lines: list[Quarantined] = []
        self.causes: dict[str, int] = {}
        self._raws: dict[str, list[dict[str, Any]]] = {}

    def count(self, cause: str, lines: int) -> None:
        self.causes[cause] = self.causes.get(cause, 0) + lines

    @property
    def full(self) -> bool:
        """Whether further lines are only counted."""
        return len(self.lines) >= KEPT

    @property
    def total(self) -> int:
        return sum(self.causes.values())

    def keep(self, line: Quarantined, raw: bytes) -> None:
        """Remember a line, which was counted already."""
        if not self.full:
            self.lines.append(line)
            record = {**line._asdict(), "raw": base64.b64encode(raw).decode("ascii")}
            self._raws.setdefault(line.source, []).append(record)

    def write(self, folder: Path, sources: Iterable[str]) -> None:
        """One JSONL file a source, readable by its owner only; none where every line was read."""
        for label in sources:
            path = folder / f"{quote(label, safe='')}.jsonl"
            records = self._raws.get(label, [])
            if not records:
                path.unlink(missing_ok=True)
                continue
            with writing(path) as temporary:
                handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with open(handle, "w", encoding="utf-8") as out:
                    for record in records:
                        out.write(json.dumps(record, ensure_ascii=False) + "\n")

    def judge(self, rows: int, most: float, folder: Path) -> None:
        """TooManyQuarantined where more than the share `most` of all lines is bad."""
        total = self.total
        if total == 0 or total <= most * (total + rows):
            return
        counts = sorted(self.causes.items(), key=lambda item: (-item[1], item[0]))
        share = total / (total + rows)
        head = f"{total} of {total + rows} lines cannot be read ({share:.2%}); `max_quarantined` allows {most:.2%}: "
        head += ", ".join(f"{cause} {count}" for cause, count in counts)
        first = [f"  {line.file}:{line.line}: {line.cause}: {line.message}" for line in self.lines[:3]]
        enough = math.ceil(share * 1000) / 1000
        accept = f", or accept the loss with `max_quarantined: {enough:g}`" if rows and enough < 1 else ""
        worst = self.lines[0] if self.lines else None
        if counts[0][0] == "invalid_utf8" and worst is not None and 2 * counts[0][1] > total:
            mend = f"if they are Latin-1 or the like: iconv -f WINDOWS-1252 -t UTF-8 {worst.file} > utf8-{Path(worst.file).name}"
        else:
            mend = "mend the sources"
        raise TooManyQuarantined("\n".join([head, *first]), hint=f"{mend}{accept}; the lines are in {folder}")
