// What the map shows and what people chose in it; no drawing here.

import { bounds, type Column, type Group, type MapData, type Texts } from "./data";
import { Grid, type Polygon } from "./grid";
import { FATES, GROUND, LABELS, NONE, ramp, rgb, spread, type Rgb, type Theme } from "./palette";
import { CHOSEN, DIM, HIDDEN, SHOWN } from "./renderer";

/** One line of the legend. `code`: what `Coded.codes` holds for its rows; -1: without a value. */
export interface Entry {
  code: number;
  name: string;
  rows: number;
  colour: Rgb;
}

/** A column as the legend has it: numbers are cut into bins of equal width. */
export interface Coded {
  codes: Int32Array;
  entries: Entry[];
}

const BINS = 8;
const css = (c: Rgb) => `rgb(${c[0]}, ${c[1]}, ${c[2]})`;
export { css };

const round = (value: number, step: number) => value.toFixed(Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(step || 1)))));

/** Codes, colours and counts of a column. */
export function coded(column: Column, theme: Theme): Coded {
  const none: Entry = { code: -1, name: column.kind === "labels" && column.groups ? "in no cluster" : "no value", rows: 0, colour: rgb(NONE[theme]) };
  let codes: Int32Array;
  let entries: Entry[];
  if (column.kind === "labels") {
    codes = column.codes;
    const palette = LABELS[theme];
    const groups = column.groups;
    const places = groups ? spread(groups, palette.length) : [];
    entries = column.values.map((value, k) => {
      const hex = FATES[theme][value] ?? palette[(groups ? (places[k] ?? k) : k) % palette.length]!;
      return { code: k, name: value, rows: 0, colour: rgb(hex) };
    });
  } else {
    const values = column.values;
    let [low, high] = [Infinity, -Infinity];
    for (const v of values) if (Number.isFinite(v)) [low, high] = [Math.min(low, v), Math.max(high, v)];
    const step = (high - low) / BINS || 1;
    const say = (v: number) => (column.time ? new Date(v * 1000).toISOString().slice(0, step < 86_400 ? 16 : 10).replace("T", " ") : round(v, step));
    codes = Int32Array.from(values, (v) => (Number.isFinite(v) ? Math.min(BINS - 1, Math.floor((v - low) / step)) : -1));
    entries = low <= high
      ? Array.from({ length: high > low ? BINS : 1 }, (_, k) => ({ code: k, name: high > low ? `${say(low + k * step)} – ${say(low + (k + 1) * step)}` : say(low), rows: 0, colour: ramp(theme, (k + 0.5) / BINS) }))
      : [];
  }
  for (const code of codes) (code < 0 ? none : entries[code]!).rows++;
  return { codes, entries: none.rows ? [...entries, none] : entries };
}

export class Scene {
  readonly grid: Grid;
  theme = $state<Theme>("light");
  colourBy = $state("");
  /** codes that stand out; empty: all */
  isolated = $state.raw<ReadonlySet<number>>(new Set());
  selection = $state.raw<Uint32Array | null>(null);
  matches = $state.raw<Uint8Array | null>(null);
  query = $state("");
  searched = $state(0);
  searching = $state(false);
  failed = $state("");
  current = $state(-1);
  hovered = $state(-1);
  /** rows whose text has come: raised when the table must look again */
  arrived = $state(0);

  readonly coded = $derived.by(() => coded(this.column, this.theme));
  private search_: AbortController | null = null;

  constructor(
    readonly data: MapData,
    readonly texts: Texts,
  ) {
    this.grid = new Grid(data.x, data.y);
    this.colourBy = (data.groupColumn ?? data.columns[0]?.name) || "";
  }

  get column(): Column {
    return this.data.columns.find((c) => c.name === this.colourBy) ?? this.data.columns[0] ?? { kind: "labels", name: "", title: "", values: [], codes: new Int32Array(this.data.n).fill(-1) };
  }

  /** The groups whose names stand on the map. */
  get groups(): readonly Group[] {
    const by = this.column;
    if (by.kind === "labels" && by.groups) return by.groups;
    const other = this.data.columns.find((c) => c.name === this.data.groupColumn);
    return (other?.kind === "labels" && other.groups) || [];
  }

  /** Whether the colours are those of groups. */
  get grouped(): boolean {
    const by = this.column;
    return by.kind === "labels" && by.groups !== undefined;
  }

  /** How each point is drawn: 1 byte a point. */
  readonly ranks = $derived.by(() => {
    const { n, x, y } = this.data;
    const { codes } = this.coded;
    const [isolated, matches, selection] = [this.isolated, this.matches, this.selection];
    const ranks = new Uint8Array(n);
    for (let i = 0; i < n; i++) {
      if (!(x[i] === x[i] && y[i] === y[i])) ranks[i] = HIDDEN;
      else ranks[i] = (isolated.size && !isolated.has(codes[i]!)) || (matches && !matches[i]) ? DIM : SHOWN;
    }
    if (selection) {
      for (let i = 0; i < n; i++) if (ranks[i] === SHOWN) ranks[i] = DIM + 4;
      for (const i of selection) if (ranks[i] === DIM + 4) ranks[i] = CHOSEN;
      for (let i = 0; i < n; i++) if (ranks[i] === DIM + 4) ranks[i] = DIM;
    }
    return ranks;
  });

  get layered(): boolean {
    return this.isolated.size > 0 || this.matches !== null || this.selection !== null;
  }

  /** 3 bytes a point. */
  readonly colours = $derived.by(() => {
    const { codes, entries } = this.coded;
    const column = this.column;
    const out = new Uint8Array(this.data.n * 3);
    const by = new Map(entries.map((e) => [e.code, e.colour]));
    if (column.kind === "numbers") {
      let [low, high] = [Infinity, -Infinity];
      for (const v of column.values) if (Number.isFinite(v)) [low, high] = [Math.min(low, v), Math.max(high, v)];
      const table = Array.from({ length: 64 }, (_, k) => ramp(this.theme, k / 63));
      for (let i = 0; i < this.data.n; i++) {
        const v = column.values[i]!;
        out.set(Number.isFinite(v) ? table[Math.round((63 * (v - low)) / (high - low || 1))]! : by.get(-1)!, 3 * i);
      }
    } else {
      for (let i = 0; i < this.data.n; i++) out.set(by.get(codes[i]!)!, 3 * i);
    }
    return out;
  });

  get ground(): Rgb {
    return rgb(GROUND[this.theme]);
  }

  /** Whether a point can be pointed at: not hidden, not dimmed. */
  lit = (i: number): boolean => this.ranks[i]! >= SHOWN;

  colourBy_(name: string): void {
    this.colourBy = name;
    this.isolated = new Set();
  }

  /** A line of the legend: alone; with others, when `more`; all again, when it was alone. */
  isolate(code: number, more: boolean): void {
    const next = new Set(more ? this.isolated : []);
    if (this.isolated.has(code) && (more || this.isolated.size === 1)) next.delete(code);
    else next.add(code);
    this.isolated = next;
  }

  /** Selects the points in a polygon; `more` adds them to those already selected. */
  select(polygon: Polygon, more = false): void {
    const may = (i: number) => this.ranks[i] !== HIDDEN && (!this.isolated.size || this.isolated.has(this.coded.codes[i]!)) && (!this.matches || this.matches[i] === 1);
    this.choose(this.grid.inside(polygon, may), more);
  }

  choose(places: Uint32Array, more = false): void {
    if (more && this.selection) places = Uint32Array.from(new Set([...this.selection, ...places])).sort();
    this.selection = places.length || more ? places : null;
  }

  toggle(place: number): void {
    const kept = new Set(this.selection ?? []);
    if (!kept.delete(place)) kept.add(place);
    this.selection = kept.size ? Uint32Array.from(kept).sort() : null;
  }

  /** Esc: what was chosen last goes first. Whether there was anything to take away. */
  clear(): boolean {
    if (this.selection) this.selection = null;
    else if (this.matches || this.query) void this.search("");
    else if (this.isolated.size) this.isolated = new Set();
    else if (this.current >= 0) this.current = -1;
    else return false;
    return true;
  }

  /** Points whose text holds the words as they are written, whatever their case; or the row of that id. */
  async search(query: string): Promise<void> {
    this.search_?.abort();
    this.query = query;
    this.searched = 0;
    this.failed = "";
    const needle = query.trim().normalize("NFC").toLowerCase();
    if (!needle) {
      this.matches = null;
      this.searching = false;
      return;
    }
    const stop = (this.search_ = new AbortController());
    this.searching = true;
    const found = new Uint8Array(this.data.n);
    try {
      for await (const { start, texts } of this.texts.all(stop.signal)) {
        if (stop.signal.aborted) return;
        texts.forEach((text, k) => {
          const i = start + k;
          if (text.normalize("NFC").toLowerCase().includes(needle) || this.data.id(i).toLowerCase() === needle) found[i] = 1;
        });
        this.searched = start + texts.length;
        this.matches = found.slice();
      }
      if (stop.signal.aborted) return;
      this.matches = found;
    } catch (error) {
      if (!stop.signal.aborted) this.failed = error instanceof Error ? error.message : String(error);
    }
    if (!stop.signal.aborted) this.searching = false;
  }

  /** Selected points that stand out. */
  get chosen(): Uint32Array | null {
    return this.selection?.filter((i) => this.ranks[i] === CHOSEN) ?? null;
  }

  /** How many selected points each line of the legend has. */
  readonly chosenBy = $derived.by(() => {
    const counts = new Map<number, number>();
    if (this.selection) for (const i of this.selection) if (this.ranks[i] === CHOSEN) counts.set(this.coded.codes[i]!, (counts.get(this.coded.codes[i]!) ?? 0) + 1);
    return counts;
  });

  /** The box to zoom to: what is selected, else what stands out, else everything. */
  target(): [number, number, number, number] {
    const { x, y, n } = this.data;
    if (!this.layered) return bounds(x, y);
    const places: number[] = [];
    for (let i = 0; i < n; i++) if (this.lit(i)) places.push(i);
    return bounds(x, y, places.length ? places : undefined);
  }
}
