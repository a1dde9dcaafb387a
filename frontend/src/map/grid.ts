// Finding points by where they are: a grid of cells, built once by counting.

import { bounds } from "./data";

export type Polygon = readonly (readonly [number, number])[];

/** Whether a point lies in a polygon (even-odd rule). */
export function inPolygon(px: number, py: number, polygon: Polygon): boolean {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [ax, ay] = polygon[i]!;
    const [bx, by] = polygon[j]!;
    if (ay > py !== by > py && px < ((bx - ax) * (py - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

export class Grid {
  private side: number;
  private starts: Uint32Array;
  private items: Uint32Array;
  private box: [number, number, number, number];
  private wide: number;
  private tall: number;

  constructor(
    private x: Float32Array,
    private y: Float32Array,
  ) {
    const n = x.length;
    this.side = Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(n / 2))));
    this.box = bounds(x, y);
    this.wide = (this.box[2] - this.box[0]) / this.side || 1;
    this.tall = (this.box[3] - this.box[1]) / this.side || 1;
    const cells = new Int32Array(n);
    this.starts = new Uint32Array(this.side * this.side + 1);
    for (let i = 0; i < n; i++) {
      const cell = x[i] === x[i] && y[i] === y[i] ? this.column(x[i]!) + this.row(y[i]!) * this.side : -1;
      cells[i] = cell;
      if (cell >= 0) this.starts[cell + 1]!++;
    }
    for (let c = 0; c < this.side * this.side; c++) this.starts[c + 1]! += this.starts[c]!;
    this.items = new Uint32Array(this.starts[this.side * this.side]!);
    const filled = this.starts.slice();
    for (let i = 0; i < n; i++) if (cells[i]! >= 0) this.items[filled[cells[i]!]!++] = i;
  }

  private column(x: number): number {
    return Math.max(0, Math.min(this.side - 1, Math.floor((x - this.box[0]) / this.wide)));
  }
  private row(y: number): number {
    return Math.max(0, Math.min(this.side - 1, Math.floor((y - this.box[1]) / this.tall)));
  }

  private *cells(x0: number, y0: number, x1: number, y1: number): Iterable<[number, number]> {
    const [a, b] = [this.column(x0), this.column(x1)];
    for (let r = this.row(y0), last = this.row(y1); r <= last; r++) {
      yield [this.starts[r * this.side + a]!, this.starts[r * this.side + b + 1]!];
    }
  }

  /** Points in a box that `may` be found, ascending. */
  within(x0: number, y0: number, x1: number, y1: number, may?: (i: number) => boolean): Uint32Array {
    const found: number[] = [];
    for (const [from, to] of this.cells(x0, y0, x1, y1)) {
      for (let k = from; k < to; k++) {
        const i = this.items[k]!;
        const [a, b] = [this.x[i]!, this.y[i]!];
        if (a >= x0 && a <= x1 && b >= y0 && b <= y1 && (!may || may(i))) found.push(i);
      }
    }
    return Uint32Array.from(found).sort();
  }

  /** Points in a polygon, ascending. */
  inside(polygon: Polygon, may?: (i: number) => boolean): Uint32Array {
    if (polygon.length < 3) return new Uint32Array();
    const xs = polygon.map((p) => p[0]);
    const ys = polygon.map((p) => p[1]);
    return this.within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (i) => (!may || may(i)) && inPolygon(this.x[i]!, this.y[i]!, polygon));
  }

  /** The nearest point within `reach` of a place, or -1. Ties: the first row. */
  nearest(px: number, py: number, reach: number, may?: (i: number) => boolean): number {
    let best = -1;
    let least = reach * reach;
    for (const [from, to] of this.cells(px - reach, py - reach, px + reach, py + reach)) {
      for (let k = from; k < to; k++) {
        const i = this.items[k]!;
        const d = (this.x[i]! - px) ** 2 + (this.y[i]! - py) ** 2;
        if ((d < least || (d === least && (best < 0 || i < best))) && (!may || may(i))) [least, best] = [d, i];
      }
    }
    return best;
  }

  /** The nearest point from `from` in a direction (dx, dy: -1, 0 or 1), within 45° of it; -1: there is none. */
  towards(from: number, dx: number, dy: number, may?: (i: number) => boolean): number {
    const [px, py] = [this.x[from]!, this.y[from]!];
    const most = Math.max(this.box[2] - this.box[0], this.box[3] - this.box[1]) * 1.5 || 1;
    for (let reach = Math.min(this.wide, this.tall); ; reach *= 2) {
      let best = -1;
      let least = reach;
      for (const [a, b] of this.cells(px - reach, py - reach, px + reach, py + reach)) {
        for (let k = a; k < b; k++) {
          const i = this.items[k]!;
          const [vx, vy] = [this.x[i]! - px, this.y[i]! - py];
          const along = vx * dx + vy * dy;
          const aside = Math.abs(vx * dy - vy * dx);
          if (along <= 0 || aside > along || i === from) continue;
          const cost = along + 2 * aside;
          if ((cost < least || (cost === least && i < best)) && (!may || may(i))) [least, best] = [cost, i];
        }
      }
      if (best >= 0 || reach > most * 4) return best;
    }
  }
}
