"""Tamis: the whole command, from the rows to a delivery."""

import json
import os
import subprocess
import sys
from pathlib import Path

rows, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
RECIPE = """
tamis: 1
name: peers
sources: [{use: files, path: ROWS, id: [id]}]
steps: [{use: map.auto}, {use: dedup.minhash}]
deliver: [{use: jsonl, path: dist/peers}]
"""
work = out.parent
(work / "recipe.yaml").write_text(RECIPE.replace("ROWS", str(rows)))
environment = dict(os.environ)
command = [sys.executable, "-P", "-m", "tamis", "run", str(work / "recipe.yaml"), "--progress", "none", "--json"]
subprocess.run(command, check=True, cwd=work, env=environment, stdout=subprocess.DEVNULL)
with open(work / "dist/peers/data.jsonl", encoding="utf-8") as file:
    out.write_text("".join(str(int(json.loads(line)["id"].rpartition("-")[2])) + "\n" for line in file))
