// Where two texts differ: words by Myers' greedy algorithm (An O(ND) Difference Algorithm, 1986), long texts around the change only.

export type Kind = "=" | "-" | "+";
export type Segment = [Kind, string];

/** edits tried before the middle is shown as wholly replaced: bounds time and memory */
const MOST_EDITS = 600;
/** tokens compared between the common head and tail */
const MOST_TOKENS = 20_000;

const TOKEN = /[\p{L}\p{N}\p{M}_]+|\s|[^\p{L}\p{N}\p{M}_\s]/gu;

/** The one text turned into the other, as runs that stay, go or come. */
export function diff(a: string, b: string): Segment[] {
  if (a === b) return a ? [["=", a]] : [];
  const left = a.match(TOKEN) ?? [];
  const right = b.match(TOKEN) ?? [];
  let head = 0;
  while (head < left.length && head < right.length && left[head] === right[head]) head++;
  let tail = 0;
  while (tail < left.length - head && tail < right.length - head && left[left.length - 1 - tail] === right[right.length - 1 - tail]) tail++;
  const segments: Segment[] = [["=", left.slice(0, head).join("")]];
  segments.push(...middle(left.slice(head, left.length - tail), right.slice(head, right.length - tail)));
  segments.push(["=", left.slice(left.length - tail).join("")]);
  return joined(segments);
}

/** Only one side of a diff: what stood there, or what stands there now. */
export function side(segments: readonly Segment[], kind: "-" | "+"): Segment[] {
  return segments.filter(([k]) => k === "=" || k === kind);
}

/** Long stretches that stay the same, cut to `context` characters beside the changes. */
export function around(segments: readonly Segment[], context = 160): Segment[] {
  return segments.map(([kind, text], k): Segment => {
    if (kind !== "=" || text.length <= 2 * context + 20) return [kind, text];
    const end = k === segments.length - 1 ? "" : text.slice(-context);
    const start = k === 0 ? "" : text.slice(0, context);
    return [kind, `${start} … ${end}`];
  });
}

function middle(a: string[], b: string[]): Segment[] {
  if (!a.length || !b.length || a.length + b.length > MOST_TOKENS) return [["-", a.join("")], ["+", b.join("")]];
  const n = a.length, m = b.length; // prettier-ignore
  const most = Math.min(n + m, MOST_EDITS);
  const reach = new Int32Array(2 * most + 3);
  const at = most + 1;
  const trace: Int32Array[] = [];
  for (let d = 0; d <= most; d++) {
    trace.push(reach.slice(at - d - 1, at + d + 2));
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && reach[at + k - 1]! < reach[at + k + 1]!) ? reach[at + k + 1]! : reach[at + k - 1]! + 1;
      while (x < n && x - k < m && a[x] === b[x - k]) x++;
      reach[at + k] = x;
      if (x >= n && x - k >= m) return walk(a, b, trace, d);
    }
  }
  return [["-", a.join("")], ["+", b.join("")]];
}

/** From the end back to the start along the furthest reaching paths. */
function walk(a: string[], b: string[], trace: Int32Array[], edits: number): Segment[] {
  const found: Segment[] = [];
  let x = a.length, y = b.length; // prettier-ignore
  for (let d = edits; d > 0; d--) {
    const reach = trace[d]!;
    const value = (k: number): number => reach[k + d + 1]!;
    const k = x - y;
    const before = k === -d || (k !== d && value(k - 1) < value(k + 1)) ? k + 1 : k - 1;
    const fromX = value(before);
    const fromY = fromX - before;
    while (x > fromX && y > fromY) {
      found.push(["=", a[--x]!]);
      y--;
    }
    if (x === fromX) found.push(["+", b[--y]!]);
    else found.push(["-", a[--x]!]);
  }
  while (x > 0) found.push(["=", a[--x]!]);
  return found.reverse();
}

/** Neighbours of one kind as one; within a change, what goes stands before what comes. */
function joined(segments: Segment[]): Segment[] {
  const found: Segment[] = [];
  let gone = "", come = ""; // prettier-ignore
  const flush = (): void => {
    if (gone) found.push(["-", gone]);
    if (come) found.push(["+", come]);
    gone = come = "";
  };
  const list = together(segments);
  for (const [k, [kind, text]] of list.entries()) {
    if (!text) continue;
    if (kind === "-") gone += text;
    else if (kind === "+") come += text;
    else if (/^[ \t]{1,3}$/.test(text) && gone && come && k + 1 < list.length && list[k + 1]![0] !== "=") {
      gone += text; // a lone space between changed words: they read as one change
      come += text;
    } else {
      flush();
      const last = found[found.length - 1];
      if (last?.[0] === "=") last[1] += text;
      else found.push(["=", text]);
    }
  }
  flush();
  return found;
}

/** Neighbours of one kind as one, empty ones left out. */
function together(segments: readonly Segment[]): Segment[] {
  const found: Segment[] = [];
  for (const [kind, text] of segments) {
    if (!text) continue;
    const last = found[found.length - 1];
    if (last?.[0] === kind) last[1] += text;
    else found.push([kind, text]);
  }
  return found;
}
