"""What a run came to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunResult:
    """A finished run: its folder and its manifest."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def outcomes(self) -> dict[str, int]:
        """in, born, kept, dropped, merged, held, quarantined: totals."""
        return dict(self.manifest["outcomes"])

    def summary(self) -> dict[str, Any]:
        """What `run --json` prints."""
        steps = {
            s["name"]: {k: v for k, v in s.items() if k not in ("name", "address", "sentences")}
            for s in self.manifest["steps"]
        }
        return {
            "run": str(self.folder),
            "outcomes": self.outcomes,
            "steps": steps,
            "delivered": self.manifest["delivered"],
            "report": str(self.folder / "report.html"),
            "warnings": self.manifest["warnings"],
            "seconds": self.manifest["seconds"],
        }

    def text(self) -> str:
        """The account, and where everything is."""
        o = self.outcomes
        born = f" + {o['born']:,} born" if o["born"] else ""
        ends = [f"{o['kept']:,} kept"] + [f"{o[k]:,} {k}" for k in ("dropped", "merged", "held", "quarantined") if o[k]]
        lines = [f"{o['in']:,} in{born} = {' + '.join(ends)}"]
        for item in self.manifest["delivered"]:
            split = f" {item['split']}" if item["split"] else ""
            lines.append(f"delivered{split}: {_near(item['path'])} ({item['rows']:,} rows)")
        lines.append(f"report:  {_near(self.folder / 'report.html')}")
        lines.append(f"ledger:  {_near(self.folder / 'ledger')}   tamis why ROW · tamis dropped STEP")
        return "\n".join(lines)


def _near(path: str | Path) -> str:
    """A path as seen from here, if that is shorter."""
    try:
        near = os.path.relpath(path)
    except ValueError:
        return str(path)
    return near if len(near) < len(str(path)) else str(path)
