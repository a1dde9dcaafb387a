// What part of the plane the picture shows. Data's y goes up, the screen's down.

export interface View {
  /** centre, in data units */
  cx: number;
  cy: number;
  /** pixels per data unit */
  scale: number;
}

export interface Size {
  width: number;
  height: number;
}

export const toScreen = (v: View, s: Size, x: number, y: number): [number, number] => [(x - v.cx) * v.scale + s.width / 2, (v.cy - y) * v.scale + s.height / 2];

export const toData = (v: View, s: Size, px: number, py: number): [number, number] => [(px - s.width / 2) / v.scale + v.cx, v.cy - (py - s.height / 2) / v.scale];

/** The view that shows a box whole, with a margin in pixels. */
export function fit(box: readonly [number, number, number, number], s: Size, margin = 24): View {
  const wide = Math.max(1e-9, box[2] - box[0]);
  const tall = Math.max(1e-9, box[3] - box[1]);
  const scale = Math.min(Math.max(8, s.width - 2 * margin) / wide, Math.max(8, s.height - 2 * margin) / tall);
  return { cx: (box[0] + box[2]) / 2, cy: (box[1] + box[3]) / 2, scale };
}

/** Nearer or farther, with what lies under (px, py) staying there. */
export function zoomAt(v: View, s: Size, px: number, py: number, factor: number, least: number, most: number): View {
  const [x, y] = toData(v, s, px, py);
  const scale = Math.min(most, Math.max(least, v.scale * factor));
  return { cx: x - (px - s.width / 2) / scale, cy: y + (py - s.height / 2) / scale, scale };
}

export const pan = (v: View, dx: number, dy: number): View => ({ ...v, cx: v.cx - dx / v.scale, cy: v.cy + dy / v.scale });

/** The box of data that is seen. */
export function seen(v: View, s: Size): [number, number, number, number] {
  const [x0, y1] = toData(v, s, 0, 0);
  const [x1, y0] = toData(v, s, s.width, s.height);
  return [x0, y0, x1, y1];
}

/** Between two views; t: 0..1. Scales go by ratio, so zooming looks even. */
export function between(a: View, b: View, t: number): View {
  const e = t < 0.5 ? 2 * t * t : 1 - (2 - 2 * t) ** 2 / 2;
  return { cx: a.cx + (b.cx - a.cx) * e, cy: a.cy + (b.cy - a.cy) * e, scale: a.scale * (b.scale / a.scale) ** e };
}
