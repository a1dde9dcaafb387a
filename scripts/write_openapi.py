"""Write frontend/openapi.json anew: what the review app's server answers. The pages' types are made from it."""

from __future__ import annotations

import json
from pathlib import Path

from tamis.web.openapi import document

PATH = Path(__file__).parents[1] / "frontend" / "openapi.json"


def text() -> str:
    """The file's content."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
    print(f"wrote {PATH}")
