"""Pages that hold everything: the script and styles that `make web` built, inline, under a policy that names just them."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

#: how the scripts are built where they are missing
HOW = "in a checkout: make web (Node 20.19 or newer)"


class Built(NamedTuple):
    """A script and its styles, as they may stand inside a page."""

    script: str
    style: str

    @classmethod
    def of(cls, script: str, style: str, *, after: str = "") -> Built:
        """From the built texts. after: what the script does last."""
        return cls(_inside(script, "script") + after, _inside(style, "style"))

    def policy(self, *, based: bool = False) -> str:
        """A content policy under which these run, and nothing else; nothing is loaded from anywhere. based: the page has a
        `base` of its own."""
        found = (
            f"default-src 'none'; script-src '{_hash(self.script)}'; style-src '{_hash(self.style)}'; img-src data:; "
        )
        return found + ("" if based else "base-uri 'none'; ") + "form-action 'none'"


def built(folder: str, name: str, *, after: str = "", root: Path | None = None) -> Built | None:
    """What was built into a folder of the package, or of `root`; None where it was not."""
    place = (files("tamis") / "web" / "static" if root is None else root) / folder
    try:
        script, style = ((place / f"{name}.{end}").read_text(encoding="utf-8") for end in ("js", "css"))
    except OSError:
        return None
    return Built.of(script, style, after=after)


def _inside(text: str, element: str) -> str:
    """A text that does not end the element it stands in."""
    return text.replace(f"</{element}", f"<\\/{element}").replace("<!--", "<\\!--")


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
