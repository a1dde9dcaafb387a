"""Data-Juicer: document_minhash_deduplicator (word 5-grams, 256 permutations, 0.7), two processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

from _rows import arguments, texts, write_kept

CONFIG = """
project_name: peers
dataset_path: {work}/input.jsonl
export_path: {work}/kept.jsonl
work_dir: {work}
np: 2
text_keys: text
process:
  - document_minhash_deduplicator:
      tokenization: space
      window_size: 5
      lowercase: true
      num_permutations: 256
      jaccard_threshold: 0.7
"""

# After each operator it empties the memory of graphics cards through torch, and where there is none it installs it with
# CUDA, 5 GB, in the middle of the run. This stands in its place; every other installation at run time fails, and is told.
TORCH = """
class cuda:
    is_available = staticmethod(lambda: False)
    device_count = staticmethod(lambda: 0)
    empty_cache = staticmethod(lambda: None)
"""
CLOSED = {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "USE_TORCH": "0"}

rows, out = arguments()
work = out.parent
with open(work / "input.jsonl", "w", encoding="utf-8") as file:
    for number, text in enumerate(texts(rows)):
        file.write(json.dumps({"number": number, "text": text}) + "\n")
(work / "config.yaml").write_text(CONFIG.format(work=work))
(work / "instead").mkdir()
(work / "instead/torch.py").write_text(TORCH)
environ = os.environ | CLOSED | {"PYTHONPATH": str(work / "instead"), "HF_HOME": str(work / "cache")}
command = Path(sys.executable).with_name("dj-process")
subprocess.run([str(command), "--config", str(work / "config.yaml")], check=True, cwd=work, env=environ)
with open(work / "kept.jsonl", encoding="utf-8") as file:
    write_kept(out, sorted(json.loads(line)["number"] for line in file))
