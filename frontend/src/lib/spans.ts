// Spans over text: the server counts code points, the browser UTF-16 units.

export interface Marked {
  text: string;
  kind?: "mark" | "ins" | "del" | undefined;
  title?: string | undefined;
}

/** The text cut at the spans' edges. Spans are (start, end) in code points; the first of overlapping ones wins. */
export function spanned(
  text: string,
  spans: readonly { start: number; end: number; kind?: "mark" | "ins" | "del"; title?: string }[],
): Marked[] {
  if (!spans.length) return [{ text }];
  const sorted = [...spans].sort((a, b) => a.start - b.start || a.end - b.end);
  const found: Marked[] = [];
  let unit = 0, point = 0, last = 0; // prettier-ignore
  const to = (wanted: number): number => {
    while (point < wanted && unit < text.length) {
      unit += text.codePointAt(unit)! > 0xffff ? 2 : 1;
      point++;
    }
    return unit;
  };
  for (const span of sorted) {
    if (span.start < point || span.end <= span.start) continue;
    const start = to(span.start);
    const end = to(span.end);
    if (start > last) found.push({ text: text.slice(last, start) });
    if (end > start) found.push({ text: text.slice(start, end), kind: span.kind ?? "mark", title: span.title });
    last = end;
  }
  if (last < text.length) found.push({ text: text.slice(last) });
  return found;
}
