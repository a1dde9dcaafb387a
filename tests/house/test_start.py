"""What starts fast must not import what is slow: counted in modules, not by a clock."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SLOW = (
    "polars",
    "numpy",
    "numba",
    "llvmlite",
    "pydantic",
    "ftfy",
    "nanoarrow",
    "rich",
    "yaml",
    "zstandard",
    "multiprocessing",
    "ray",
)

ASK = """
import sys
import tamis.cli
sys.argv = ["tamis", *{arguments!r}]
try:
    tamis.cli.main()
except SystemExit as end:
    assert end.code in (0, None), end.code
loaded = sorted(name for name in {slow!r} if name in sys.modules)
print("loaded:", " ".join(loaded), file=sys.stderr)
"""


def loaded_by(code: str) -> list[str]:
    """The slow libraries a fresh Python has loaded after some code."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "loaded:" in done.stderr
    return done.stderr.rsplit("loaded:", 1)[1].split()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_nothing_slow(arguments: list[str]) -> None:
    assert loaded_by(ASK.format(arguments=arguments, slow=SLOW)) == []


def test_the_count_would_notice() -> None:
    assert loaded_by(
        ASK.format(arguments=["--version"], slow=SLOW).replace("import tamis.cli", "import tamis.cli, pydantic", 1)
    ) == ["pydantic"]


def test_importing_every_step_compiles_nothing() -> None:
    code = """
import sys
from tamis.core.registry import addresses, resolve
for address in addresses("steps"):
    resolve("steps", address)
slow = ("numba", "llvmlite", "ftfy", "tokenizers", "bpe_openai")
print("loaded:", " ".join(name for name in slow if name in sys.modules), file=sys.stderr)
"""
    assert loaded_by(code) == []


def test_the_core_has_at_most_twelve_direct_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert len(project["dependencies"]) <= 12
