"""rensa: MinHash of word 5-grams at 0.7, or of character 5-grams at 0.65; the first of each set of copies stays."""

import sys

from _rows import arguments, characters, shingles, texts, write_kept
from rensa import RMinHash, RMinHashLSH

rows, out = arguments()
# bands of 8 for 0.7; of 5 for 0.65, so that a pair at the threshold is a candidate 95 times in a hundred
units, threshold, bands, length = (characters, 0.65, 25, 125) if "letters" in sys.argv[3:] else (shingles, 0.7, 16, 128)
index = RMinHashLSH(threshold=threshold, num_perm=length, num_bands=bands)
kept, sketches = [], {}
for number, text in enumerate(texts(rows)):
    sketch = RMinHash(num_perm=length, seed=42)
    sketch.update(list(units(text)))
    if not any(sketch.jaccard(sketches[other]) >= threshold for other in index.query(sketch)):
        index.insert(number, sketch)
        sketches[number] = sketch
        kept.append(number)
write_kept(out, kept)
