// Characters nobody sees, or that turn the writing around. Joiners stay: writing needs them (emoji, Persian, Hindi).
// The same set as in the report.
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

const NAMES: Record<number, string> = {
  0x00ad: "soft hyphen", 0x061c: "arabic letter mark", 0x180e: "mongolian vowel separator", 0x200b: "zero width space",
  0x200e: "left-to-right mark", 0x200f: "right-to-left mark", 0x2028: "line separator", 0x2029: "paragraph separator",
  0x202a: "left-to-right embedding", 0x202b: "right-to-left embedding", 0x202c: "pop directional formatting",
  0x202d: "left-to-right override", 0x202e: "right-to-left override", 0x2060: "word joiner", 0x2066: "left-to-right isolate",
  0x2067: "right-to-left isolate", 0x2068: "first strong isolate", 0x2069: "pop directional isolate", 0xfeff: "byte order mark",
  0x0d: "carriage return", 0x1b: "escape", 0x00: "null",
}; // prettier-ignore

export interface Piece {
  text: string;
  /** of a hidden character, `U+200B` */
  code?: string;
  name?: string;
}

/** A text in pieces: what can be shown as it is, and hidden characters by their codes. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let last = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match[0] === "\r" && text[match.index + 1] === "\n") continue;
    if (match.index > last) found.push({ text: text.slice(last, match.index) });
    const point = match[0].codePointAt(0)!;
    found.push({
      text: match[0],
      code: `U+${point.toString(16).toUpperCase().padStart(4, "0")}`,
      name: NAMES[point] ?? (point >= 0xe0000 && point <= 0xe007f ? "tag character" : "control character"),
    });
    last = match.index + match[0].length;
  }
  if (last < text.length || !found.length) found.push({ text: text.slice(last) });
  return found;
}

/** The text on one line without hidden characters turned loose: for table cells, titles, messages. */
export function line(value: unknown, most = 400): string {
  const text = typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value);
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return pieces(cut.replace(/[\n\t\r]+/g, " ")).map((p) => (p.code ? `⟨${p.code.slice(2)}⟩` : p.text)).join("");
}
