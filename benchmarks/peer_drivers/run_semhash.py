"""semhash: static embeddings that lie in a wheel, cosine 0.9."""

from pathlib import Path

import numpy as np
import wordllama
from _rows import arguments, texts, write_kept
from semhash import SemHash
from wordllama import WordLlama


class Encoder:
    """What semhash asks of a model."""

    def __init__(self) -> None:
        # the wheel looks for its own tokenizer in a folder of another name, but finds it in a cache that is itself
        self.model = WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)

    def encode(self, inputs, **options):
        return np.asarray(self.model.embed(list(inputs), norm=True), np.float32)


rows, out = arguments()
records = [{"number": str(number), "text": text} for number, text in enumerate(texts(rows))]
result = SemHash.from_records(records, columns=["text"], model=Encoder()).self_deduplicate(threshold=0.9)
write_kept(out, sorted(int(record["number"]) for record in result.selected))
