"""rensa: MinHash of word 5-grams, LSH, the first of each set of copies stays."""

from _rows import arguments, shingles, texts, write_kept
from rensa import RMinHash, RMinHashLSH

rows, out = arguments()
index = RMinHashLSH(threshold=0.7, num_perm=128, num_bands=16)
kept, sketches = [], {}
for number, text in enumerate(texts(rows)):
    sketch = RMinHash(num_perm=128, seed=42)
    sketch.update(list(shingles(text)))
    if not any(sketch.jaccard(sketches[other]) >= 0.7 for other in index.query(sketch)):
        index.insert(number, sketch)
        sketches[number] = sketch
        kept.append(number)
write_kept(out, kept)
