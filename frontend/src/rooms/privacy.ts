// Where a marked piece of text stands.

/** Start and end in code points of `piece` in `text`: its first place that is not taken yet; null where it is nowhere. */
export function found(text: string, piece: string, taken: readonly (readonly [number, number])[]): [number, number] | null {
  const wanted = piece.trim();
  if (!wanted) return null;
  for (let from = text.indexOf(wanted); from >= 0; from = text.indexOf(wanted, from + 1)) {
    const start = [...text.slice(0, from)].length;
    const end = start + [...wanted].length;
    if (!taken.some(([a, b]) => start < b && a < end)) return [start, end];
  }
  return null;
}
