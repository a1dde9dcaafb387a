// What a map is drawn from, however it came.

/** A column of labels: `codes[i]` is a place in `values`, or -1 where the row has none. */
export interface Labels {
  kind: "labels";
  name: string;
  title: string;
  values: string[];
  codes: Int32Array;
  /** of a clustering: a group for each value */
  groups?: Group[];
}

/** A column of numbers; NaN where the row has none. */
export interface Numbers {
  kind: "numbers";
  name: string;
  title: string;
  values: Float32Array;
  /** seconds since 1970 */
  time?: boolean;
}

export type Column = Labels | Numbers;

/** A group of points with a name. `x`, `y`: where its label stands. */
export interface Group {
  id: number;
  name: string;
  rows: number;
  x: number;
  y: number;
}

/** `ids`, texts: by place. A point with NaN coordinates is not drawn. */
export interface MapData {
  n: number;
  x: Float32Array;
  y: Float32Array;
  columns: Column[];
  /** the column with groups whose names stand on the map, unless another one with groups gives the colours */
  groupColumn: string | null;
  /** rows that have no point at all */
  without: number;
  id(place: number): string;
}

/** Texts by place: in memory, or asked for in blocks. */
export interface Texts {
  /** The text if it is here already. */
  now(place: number): string | undefined;
  /** Asks for texts; resolves when they are here. */
  load(places: ArrayLike<number>): Promise<void>;
  /** All texts in order, in blocks; stops when the signal says so. */
  all(signal: AbortSignal): AsyncIterable<{ start: number; texts: string[] }>;
}

export class TextsInMemory implements Texts {
  constructor(private texts: string[]) {}
  now(place: number): string | undefined {
    return this.texts[place];
  }
  async load(): Promise<void> {}
  async *all(signal: AbortSignal): AsyncIterable<{ start: number; texts: string[] }> {
    const block = 20_000;
    for (let start = 0; start < this.texts.length && !signal.aborted; start += block) {
      yield { start, texts: this.texts.slice(start, start + block) };
      await new Promise((done) => setTimeout(done));
    }
  }
}

/** Asks `fetchRange(start, stop)` for texts in blocks and keeps them. */
export class TextsInBlocks implements Texts {
  private blocks = new Map<number, string[] | Promise<void>>();
  constructor(
    private n: number,
    private fetchRange: (start: number, stop: number) => Promise<string[]>,
    private size = 64,
  ) {}

  now(place: number): string | undefined {
    const block = this.blocks.get(Math.floor(place / this.size));
    return Array.isArray(block) ? block[place % this.size] : undefined;
  }

  async load(places: ArrayLike<number>): Promise<void> {
    const waits = new Set<Promise<void>>();
    for (let i = 0; i < places.length; i++) {
      const number = Math.floor(places[i]! / this.size);
      const block = this.blocks.get(number);
      if (Array.isArray(block)) continue;
      waits.add(block ?? this.ask(number));
    }
    await Promise.all(waits);
  }

  private ask(number: number): Promise<void> {
    const start = number * this.size;
    const asked = this.fetchRange(start, Math.min(this.n, start + this.size)).then(
      (texts) => void this.blocks.set(number, texts),
      (error: unknown) => {
        this.blocks.delete(number); // the next look asks again
        throw error;
      },
    );
    this.blocks.set(number, asked);
    return asked;
  }

  async *all(signal: AbortSignal): AsyncIterable<{ start: number; texts: string[] }> {
    const block = this.size * 31; // the server gives at most 2,000 at a time
    for (let start = 0; start < this.n && !signal.aborted; start += block) {
      const stop = Math.min(this.n, start + block);
      const texts = await this.fetchRange(start, stop);
      if (texts.length !== stop - start) throw new Error(`of ${stop - start} texts ${texts.length} came`);
      for (let k = 0; k * this.size < texts.length; k++) {
        this.blocks.set(start / this.size + k, texts.slice(k * this.size, (k + 1) * this.size));
      }
      yield { start, texts };
    }
  }
}

/** The box around all points that have a place: [x0, y0, x1, y1]. */
export function bounds(x: Float32Array, y: Float32Array, places?: ArrayLike<number>): [number, number, number, number] {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  const n = places ? places.length : x.length;
  for (let k = 0; k < n; k++) {
    const i = places ? places[k]! : k;
    const a = x[i]!;
    const b = y[i]!;
    if (!(a === a && b === b)) continue;
    if (a < x0) x0 = a;
    if (a > x1) x1 = a;
    if (b < y0) y0 = b;
    if (b > y1) y1 = b;
  }
  return x0 <= x1 ? [x0, y0, x1, y1] : [0, 0, 1, 1];
}

/** Where each value's label stands: the point nearest to the middle of its rows (medians), so never outside them. */
export function labelPlaces(x: Float32Array, y: Float32Array, labels: Labels): { x: number; y: number; rows: number }[] {
  const places: number[][] = labels.values.map(() => []);
  for (let i = 0; i < labels.codes.length; i++) {
    const code = labels.codes[i]!;
    if (code >= 0 && x[i] === x[i] && y[i] === y[i]) places[code]?.push(i);
  }
  return places.map((rows) => {
    if (!rows.length) return { x: NaN, y: NaN, rows: 0 };
    const middle = (of: Float32Array) => {
      const sorted = Float32Array.from(rows, (i) => of[i]!).sort();
      return sorted[sorted.length >> 1]!;
    };
    const [mx, my] = [middle(x), middle(y)];
    let best = rows[0]!;
    let least = Infinity;
    for (const i of rows) {
      const d = (x[i]! - mx) ** 2 + (y[i]! - my) ** 2;
      if (d < least) [least, best] = [d, i];
    }
    return { x: x[best]!, y: y[best]!, rows: rows.length };
  });
}
