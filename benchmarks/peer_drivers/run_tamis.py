"""Tamis: the whole command, from the rows to a delivery; what stands after the paths is asked of dedup.minhash."""

import json
import subprocess
import sys
from pathlib import Path

rows, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
RECIPE = """
tamis: 1
name: peers
sources: [{use: files, path: ROWS, id: [id]}]
steps: [{use: map.auto}, {use: dedup.minhash ASKED}]
deliver: [{use: jsonl, path: dist/peers}]
"""
work = out.parent
(work / "recipe.yaml").write_text(
    RECIPE.replace("ROWS", str(rows)).replace(" ASKED", "".join(f", {one}" for one in sys.argv[3:]))
)
command = [sys.executable, "-P", "-m", "tamis", "run", str(work / "recipe.yaml"), "--progress", "none", "--json"]
subprocess.run(command, check=True, cwd=work)
with open(work / "dist/peers/data.jsonl", encoding="utf-8") as file:
    out.write_text("".join(str(int(json.loads(line)["id"].rpartition("-")[2])) + "\n" for line in file))
