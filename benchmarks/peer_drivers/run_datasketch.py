"""datasketch: MinHash of word 5-grams, LSH, the first of each set of copies stays."""

from _rows import arguments, shingles, texts, write_kept
from datasketch import MinHash, MinHashLSH

rows, out = arguments()
index = MinHashLSH(threshold=0.7, num_perm=128)
kept = []
for number, text in enumerate(texts(rows)):
    sketch = MinHash(num_perm=128)
    sketch.update_batch([one.encode() for one in shingles(text)])
    if not index.query(sketch):
        index.insert(number, sketch)
        kept.append(number)
write_kept(out, kept)
