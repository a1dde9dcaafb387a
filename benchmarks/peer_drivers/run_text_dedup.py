"""text-dedup: its minhash command (word 5-grams, 128 permutations, 0.7, candidates verified), two processes."""

import json
import os
import subprocess
import sys

from _rows import arguments, texts, write_kept

CONFIG = """
[input]
input_type = "local_files"
file_type = "json"
[input.read_arguments]
path = "json"
split = "train"
data_files = {data}
cache_dir = {cache}
[algorithm]
algorithm_name = "minhash"
text_column = "text"
num_perm = 128
ngram_size = 5
threshold = 0.7
check_false_positive = true
num_proc = 2
[output]
output_dir = {output}
[debug]
"""


def main() -> None:
    rows, out = arguments()
    work = out.parent
    with open(work / "input.jsonl", "w", encoding="utf-8") as file:
        for number, text in enumerate(texts(rows)):
            file.write(json.dumps({"number": number, "text": text}) + "\n")
    paths = {name: json.dumps(str(work / name)) for name in ("cache", "output")}
    (work / "config.toml").write_text(CONFIG.format(data=json.dumps(str(work / "input.jsonl")), **paths))
    environ = dict(os.environ, HF_HOME=str(work / "cache"), HF_HUB_OFFLINE="1")
    os.environ.update(environ)  # before datasets is imported here
    subprocess.run([sys.executable, "-m", "text_dedup.minhash"], check=True, cwd=work, env=environ)
    from datasets import load_from_disk

    write_kept(out, sorted(load_from_disk(str(work / "output"))["number"]))


if __name__ == "__main__":
    main()
