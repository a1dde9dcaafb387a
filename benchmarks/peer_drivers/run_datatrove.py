"""datatrove: its four MinHash stages (word 5-grams, 14 bands of 8), two workers."""

import gzip
import json

from _rows import arguments, texts, write_kept
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

FILES = 2


def main() -> None:
    rows, out = arguments()
    work = out.parent
    (work / "input").mkdir()
    files = [open(work / f"input/{k}.jsonl", "w", encoding="utf-8") for k in range(FILES)]  # noqa: SIM115
    for number, text in enumerate(texts(rows)):
        files[number % FILES].write(json.dumps({"id": str(number), "text": text}) + "\n")
    for file in files:
        file.close()
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    reader = JsonlReader(str(work / "input"), glob_pattern="*.jsonl")
    signatures, buckets, removed = (str(work / name) for name in ("signatures", "buckets", "removed"))

    def go(name: str, pipeline: list, tasks: int) -> None:
        LocalPipelineExecutor(pipeline=pipeline, tasks=tasks, workers=2, logging_dir=str(work / "logs" / name)).run()

    go("signatures", [reader, MinhashDedupSignature(output_folder=signatures, config=config)], FILES)
    go("buckets", [MinhashDedupBuckets(input_folder=signatures, output_folder=buckets, config=config)], 14)
    go("cluster", [MinhashDedupCluster(input_folder=buckets, output_folder=removed, config=config)], 1)
    go("filter", [reader, MinhashDedupFilter(input_folder=removed), JsonlWriter(str(work / "kept"))], FILES)
    kept = []
    for path in sorted((work / "kept").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            kept += [int(json.loads(line)["id"]) for line in file]
    write_kept(out, sorted(kept))


if __name__ == "__main__":
    main()
