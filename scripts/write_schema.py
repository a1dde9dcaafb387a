"""Write `recipe.schema.json` from the classes of the sources, steps and sinks: `make schema`."""

from __future__ import annotations

import json
from pathlib import Path

from tamis.recipe.schema import schema

TARGET = Path(__file__).resolve().parent.parent / "recipe.schema.json"


def text() -> str:
    """The schema as the committed file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    print(f"wrote {TARGET.name}")
