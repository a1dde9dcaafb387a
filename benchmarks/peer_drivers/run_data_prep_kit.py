"""data-prep-kit: its four fuzzy dedup services (word 5-grams, 14 bands of 8, threshold 0.75), in one process."""

import polars as pl
from _rows import arguments, texts, write_kept
from dpk_fdedup.transform_python import Fdedup


def main() -> None:
    rows, out = arguments()
    work = out.parent
    (work / "input").mkdir()
    contents = list(texts(rows))
    # ids are numbers: the toolkit fails on ids that are texts
    table = pl.DataFrame({"int_id_column": range(len(contents)), "contents": contents})
    table.write_parquet(work / "input/rows.parquet")
    status = Fdedup(
        input_folder=str(work / "input"),
        output_folder=str(work / "output"),
        contents_column="contents",
        document_id_column="int_id_column",
        num_permutations=112,
        num_bands=14,
        num_minhashes_per_band=8,
        word_shingle_size=5,
        jaccard_similarity_threshold=0.75,
        operation_mode="filter_duplicates",
    ).transform()
    if status:  # its own command ends with 0 all the same
        raise SystemExit(f"a service ended with status {status}")
    cleaned = sorted((work / "output/cleaned").glob("*.parquet"))
    write_kept(out, sorted(pl.concat([pl.read_parquet(path) for path in cleaned])["int_id_column"].to_list()))


if __name__ == "__main__":
    main()
