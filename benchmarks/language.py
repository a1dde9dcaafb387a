"""Speed and accuracy of language identification.

    TAMIS_DATA=../shared/data python benchmarks/language.py

Accuracy: sentences of at least 40 characters of the Universal Declaration of Human Rights, per language.
Speed: rows of about 600 bytes, sentences of 20 languages shuffled (a third English), on two threads.
"""

import gzip
import json
import os
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tamis.engine.kernels import language

THREADS = 2
N_ROWS = 100_000
ROW_BYTES = 600

# Declaration -> the code expected of it. First the thirty languages with most speakers, then more.
EXPECTED = {
    "eng": "en", "cmn_hans": "zh", "cmn_hant": "zh", "hin": "hi", "spa": "es", "arb": "ar", "fra": "fr", "ben": "bn",
    "por_BR": "pt", "por_PT": "pt", "rus": "ru", "urd": "ur", "ind": "id", "deu": "de", "jpn": "ja", "mar": "mr",
    "vie": "vi", "hau_NG": "ha", "tur": "tr", "swh": "sw", "tgl": "tl", "tam": "ta", "pes_1": "fa", "kor": "ko",
    "tha": "th", "jav": "jv", "ita": "it", "guj": "gu", "amh": "am", "kan": "kn", "pol": "pl", "ukr": "uk",
    "afr": "af", "als": "sq", "azj_latn": "az", "bel": "be", "bos_latn": "hbs", "bul": "bg", "cat": "ca", "ces": "cs",
    "cym": "cy", "dan": "da", "ell_monotonic": "el", "epo": "eo", "est": "et", "eus": "eu", "fin": "fi", "gle": "ga",
    "glg": "gl", "hat_kreyol": "ht", "heb": "he", "hrv": "hbs", "hun": "hu", "hye": "hy", "ibo": "ig", "isl": "is",
    "kat": "ka", "kaz": "kk", "khk": "mn", "khm": "km", "kin": "rw", "kir": "ky", "lao": "lo", "lat": "la",
    "lav": "lv", "lit": "lt", "ltz": "lb", "mal": "ml", "mkd": "mk", "mlt": "mt", "mya": "my", "nep": "ne",
    "nld": "nl", "nno": "nn", "nob": "no", "pan": "pa", "plt": "mg", "ron": "ro", "san": "sa", "slk": "sk",
    "slv": "sl", "sna": "sn", "som": "so", "srp_cyrl": "sr", "srp_latn": "hbs", "swe": "sv", "tat": "tt", "tgk": "tg",
    "tuk_latn": "tk", "uig_arab": "ug", "uzn_cyrl": "uz", "uzn_latn": "uz", "xho": "xh", "yor": "yo", "zul": "zu",
}  # fmt: skip
THIRTY = 32  # entries of EXPECTED: Chinese and Portuguese come in two variants

Rows = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]


def rows_of(texts: list[bytes]) -> Rows:
    """The kernel's input: all bytes, and n + 1 offsets."""
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    return np.frombuffer(b"".join(texts), dtype=np.uint8), offsets


def sentences(declaration: str) -> list[bytes]:
    """Sentences of at least 40 characters; 15 where a character is a syllable or a word."""
    dense = re.compile("[\u3040-\u9fff\uac00-\ud7af]")
    parts = re.split(r"(?<=[.;!?؛؟।])\s+|(?<=[。；])|\n", declaration)
    return [text.strip().encode() for text in parts if len(text.strip()) >= (15 if dense.search(text) else 40)]


def print_accuracy(declarations: dict[str, str]) -> None:
    """One line per language, then the means."""
    shares: list[float] = []
    print(f"{'text':14} {'code':5} {'n':>4} {'right':>6}  mistaken for")
    for name, expected in EXPECTED.items():
        texts = sentences(declarations[name])
        found = language.identify(*rows_of(texts))
        counts = Counter(language.CODES[code] if code >= 0 else "-" for code in found.code)
        shares.append(counts.pop(expected, 0) / len(texts))
        others = ", ".join(f"{code} {count}" for code, count in counts.most_common(4))
        print(f"{name:14} {expected:5} {len(texts):4} {shares[-1]:6.1%}  {others}")
    print(f"thirty largest {np.mean(shares[:THIRTY]):.2%}, all {len(shares)} {np.mean(shares):.2%}")


def print_speed(declarations: dict[str, str]) -> None:
    """Rows per second; the best of five."""
    random = np.random.default_rng(0)
    names = list(EXPECTED)[:20]
    pool = {name: sentences(declarations[name]) for name in names}
    texts = []
    for _ in range(N_ROWS):
        choice = pool["eng" if random.random() < 1 / 3 else names[random.integers(len(names))]]
        row = b""
        while len(row) < ROW_BYTES:
            row += b" " + choice[random.integers(len(choice))]
        texts.append(row)
    parts = [rows_of(texts[part::THREADS]) for part in range(THREADS)]
    language.identify(*rows_of(texts[:10]))
    best = float("inf")
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in range(5):
            start = time.perf_counter()
            list(threads.map(lambda part: language.identify(*part), parts))
            best = min(best, time.perf_counter() - start)
    size = sum(map(len, texts)) / N_ROWS
    print(f"{N_ROWS / best:,.0f} rows/s on {THREADS} threads, {size:.0f} bytes a row")


def main() -> None:
    """Print both."""
    path = Path(os.environ.get("TAMIS_DATA", "../shared/data")) / "langid-udhr" / "udhr2.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        declarations = {row["lang"]: row["text"] for row in map(json.loads, lines)}
    print_accuracy(declarations)
    print_speed(declarations)


if __name__ == "__main__":
    main()
