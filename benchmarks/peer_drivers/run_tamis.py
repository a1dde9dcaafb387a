"""Tamis: the whole command, from the rows to a delivery of chat messages; what stands after the paths is asked of dedup.minhash."""

import os
import sys
from pathlib import Path

rows, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
RECIPE = """
tamis: 1
name: peers
sources: [{use: files, path: ROWS, id: [id]}]
steps: [{use: map.auto}, {use: dedup.minhash ASKED}]
deliver: [{use: jsonl, path: dist/peers, without: [source.prompt, source.completion]}]  # each text once
"""
work = out.parent
(work / "recipe.yaml").write_text(
    RECIPE.replace("ROWS", str(rows)).replace(" ASKED", "".join(f", {one}" for one in sys.argv[3:]))
)
os.chdir(work)
command = [sys.executable, "-P", "-m", "tamis", "run", "recipe.yaml", "--progress", "none", "--json"]
os.execv(sys.executable, command)
