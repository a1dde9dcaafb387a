"""BERTopic as its documentation has it, on embeddings made before: run_bertopic.py TEXTS.json VECTORS.npy OUT.npy [TOPICS]"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from bertopic import BERTopic

texts, vectors = json.loads(Path(sys.argv[1]).read_text()), np.load(sys.argv[2])
started = time.perf_counter()
model = BERTopic(nr_topics=int(sys.argv[4]) if len(sys.argv) > 4 else None)
topics, _ = model.fit_transform(texts, vectors)
print(time.perf_counter() - started)
np.save(sys.argv[3], np.array(topics, np.int32))
