// Which labels are shown: the most important first, none over another.

export interface Label {
  key: number;
  text: string;
  x: number;
  y: number;
  /** more comes first */
  weight: number;
}

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Placed extends Box {
  key: number;
  text: string;
}

export const overlap = (a: Box, b: Box): boolean => a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;

/**
 * Labels that fit, in order of weight. `at` says where a label's middle stands in pixels, `measure` how large it is.
 * A label moves a little (above, below) before it is left out; it never leaves the picture.
 */
export function place(
  labels: readonly Label[],
  at: (label: Label) => readonly [number, number],
  measure: (text: string) => readonly [number, number],
  width: number,
  height: number,
  most = 80,
  gap = 4,
): Placed[] {
  const order = [...labels].sort((a, b) => b.weight - a.weight || a.key - b.key);
  const placed: Placed[] = [];
  for (const label of order) {
    if (placed.length >= most) break;
    const [px, py] = at(label);
    if (!(px >= 0 && py >= 0 && px <= width && py <= height)) continue;
    const [w, h] = measure(label.text);
    for (const shift of [0, -h, h]) {
      const left = Math.max(0, Math.min(width - w, px - w / 2));
      const top = Math.max(0, Math.min(height - h, py - h / 2 + shift));
      const grown = { left: left - gap, top: top - gap / 2, width: w + 2 * gap, height: h + gap };
      if (placed.some((other) => overlap(grown, other))) continue;
      placed.push({ key: label.key, text: label.text, left, top, width: w, height: h });
      break;
    }
  }
  return placed;
}
