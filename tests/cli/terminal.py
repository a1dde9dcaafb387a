"""The command line, called in this process."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tamis.cli import main

DEMO = Path(__file__).parents[2] / "recipes" / "customer-intents"


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """Types commands in a folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._patch, self._capture = folder, monkeypatch, capsys
        monkeypatch.chdir(folder)

    def __call__(self, *words: str) -> Said:
        self._patch.setattr(sys, "argv", ["tamis", *words])
        self._capture.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        told = self._capture.readouterr()
        code = stopped.value.code
        return Said(code if isinstance(code, int) else 1, told.out, told.err)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def demo(self) -> None:
        """The demo recipe and its data, here."""
        for path in DEMO.iterdir():
            if path.is_file():
                shutil.copy(path, self.folder / path.name)
