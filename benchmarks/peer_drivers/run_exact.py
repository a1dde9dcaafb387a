"""The floor: a dict of normalised texts."""

from _rows import arguments, texts, write_kept

rows, out = arguments()
seen: set[str] = set()
kept = []
for number, text in enumerate(texts(rows)):
    key = " ".join(text.lower().split())
    if key not in seen:
        seen.add(key)
        kept.append(number)
write_kept(out, kept)
