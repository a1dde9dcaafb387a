// Rows of a long table, a page at a time as they come into sight; what is far away is forgotten.
import { api, told, type RowsQuery } from "./client";
import type { RowLine } from "./shapes";

const PAGE = 200;
const KEPT = 40;

export class Pages {
  total = $state(0);
  /** whether the first page has come */
  ready = $state(false);
  loading = $state(false);
  columns = $state.raw<string[]>([]);
  error = $state.raw<{ message: string; hint: string | null } | null>(null);
  /** raised with every page that came, so that lists draw again */
  #version = $state(0);
  #pages = new Map<number, RowLine[]>();
  #waiting = new Map<number, AbortController>();
  #run: string | undefined;
  #query: RowsQuery = {};

  /** Ask anew. What is on the screen stays until the answer comes. */
  open(run: string | undefined, query: RowsQuery): void {
    for (const one of this.#waiting.values()) one.abort();
    this.#waiting.clear();
    this.#run = run;
    this.#query = query;
    this.loading = true;
    void this.#load(0, true);
  }

  at(index: number): RowLine | undefined {
    void this.#version;
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** Whether a column that is shown holds numbers. */
  isNumber(column: string): boolean {
    for (const page of this.#pages.values()) for (const row of page) if (row.values[column] !== null && row.values[column] !== undefined) return typeof row.values[column] === "number";
    return false;
  }

  /** See that these rows are here, or on their way. */
  want(start: number, stop: number): void {
    if (!this.ready) return;
    const first = Math.floor(start / PAGE);
    const last = Math.floor(Math.max(start, stop - 1) / PAGE);
    for (const [page, control] of this.#waiting) {
      if (page < first - 1 || page > last + 1) {
        control.abort();
        this.#waiting.delete(page);
      }
    }
    for (let page = first; page <= last; page++) {
      if (page * PAGE < this.total && !this.#pages.has(page) && !this.#waiting.has(page)) void this.#load(page, false);
    }
    if (this.#pages.size > KEPT) {
      for (const page of [...this.#pages.keys()]) if (Math.abs(page - first) > KEPT / 2) this.#pages.delete(page);
    }
  }

  async #load(page: number, fresh: boolean): Promise<void> {
    const control = new AbortController();
    this.#waiting.set(page, control);
    try {
      const found = await api.rows(this.#run, this.#query, page * PAGE, PAGE, control.signal);
      if (control.signal.aborted) return;
      if (fresh) this.#pages.clear();
      this.#pages.set(page, found.rows);
      this.total = found.total;
      this.columns = found.columns;
      this.ready = true;
      this.error = null;
      this.#version++;
    } catch (error) {
      if (control.signal.aborted) return;
      this.error = told(error);
    } finally {
      if (this.#waiting.get(page) === control) this.#waiting.delete(page);
      if (fresh && !control.signal.aborted) this.loading = false;
    }
  }
}
