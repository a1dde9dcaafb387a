// A gate's queue as one reviewer works through it: the next row is there at once, and a decision counts once the server said so.
import { api, ApiError, told } from "./client";
import { entryOf } from "./entries";
import type { Card, Decide, Decided, Desk as Setup, Event as Told, Progress, Queue } from "./shapes";

/** `sending`: decided here, not yet answered; `stuck`: the server did not answer; `conflict`: somebody was faster. */
export type State = "open" | "sending" | "made" | "stuck" | "conflict";

export class Entry {
  card: Card = $state.raw()!;
  state: State = $state("open");
  /** of the row at this gate, raised by one's own decisions */
  version = $state(0);
  decision: Decide | null = $state.raw(null);
  made: Decided[] = $state.raw([]);
  problem: { message: string; hint: string | null } | null = $state.raw(null);
  now: Record<string, unknown> | null = $state.raw(null);
  /** somebody else decided on it while it was here */
  others: string | null = $state(null);
  answers: Record<string, string> = $state({});
  /** messages that were being edited */
  draft: unknown = $state.raw(null);
  seconds = 0;
  /** the count of sendings when it was made: an older list of rows may still hold it */
  stamp = 0;

  constructor(card: Card) {
    this.card = card;
    this.version = card.version;
  }

  get key(): string {
    return `${this.card.id} ${this.card.round ?? ""}`;
  }
}

/** cards asked for at a time, and how few are left when more are asked for */
const BATCH = 40;
const FEW = 20;
/** longest a row can have taken: after that somebody had left */
const LONGEST = 600;

const DECIDES = new Set(["accept", "reject", "edit", "relabel", "rate", "prefer", "skip"]);

export class Desk {
  setup: Setup | null = $state.raw(null);
  progress: Progress | null = $state.raw(null);
  entries: Entry[] = $state.raw([]);
  at = $state(0);
  loading = $state(true);
  /** the server has no more rows for this reviewer now */
  over = $state(false);
  error: { message: string; hint: string | null } | null = $state.raw(null);
  /** keys pressed and rows decided in this sitting */
  decided = $state(0);

  #chain: Promise<void> = Promise.resolve();
  #asking = false;
  #again = false;
  #stamp = 0;
  #since = 0;
  #closed = false;

  constructor(
    readonly run: string | undefined,
    readonly step: string,
    readonly order: string | undefined,
    /** hears what went wrong with a flag or a comment */
    readonly complain: (error: unknown) => void = () => {},
  ) {}

  get current(): Entry | undefined {
    return this.entries[this.at];
  }

  get pending(): number {
    return this.entries.filter((one) => one.state === "sending" || one.state === "stuck").length;
  }

  /** the first row that needs a word from the reviewer */
  get trouble(): Entry | undefined {
    return this.entries.find((one) => one.state === "conflict") ?? this.entries.find((one) => one.state === "stuck");
  }

  async open(): Promise<void> {
    this.loading = true;
    await this.more();
    this.loading = false;
    this.shown();
  }

  close(): void {
    this.#closed = true;
  }

  /** Get more rows where few are left. */
  async more(): Promise<void> {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    const asked = this.#stamp;
    try {
      // not those that lie here undecided, nor those on their way to the server
      const after = this.entries.filter((one) => one.state !== "made").map((one) => one.card.id);
      const query = { limit: BATCH, after, ...(this.order ? { order: this.order } : {}) };
      const found: Queue = await api.queue(this.run, this.step, query);
      if (this.#closed) return;
      this.setup = found.desk;
      if (!this.pending) this.progress = found.progress;
      this.#take(found.cards, asked);
      this.error = null;
    } catch (error) {
      this.error = told(error);
    } finally {
      this.#asking = false;
      if (this.#again) {
        this.#again = false;
        void this.more();
      }
    }
  }

  #take(cards: readonly Card[], asked: number): void {
    const fresh: Entry[] = [];
    for (const card of cards) {
      const entry = new Entry(card);
      const here = this.entries.findLast((one) => one.key === entry.key);
      if (here && (here.state !== "made" || here.stamp >= asked)) continue;
      fresh.push(entry);
    }
    this.entries = [...this.entries, ...fresh];
    this.over = fresh.length === 0;
    if (this.current?.state !== "open" && fresh.length && this.#ahead() === fresh.length) this.#next();
  }

  #ahead(): number {
    let open = 0;
    for (let k = this.at; k < this.entries.length; k++) if (this.entries[k]!.state === "open") open++;
    return open;
  }

  /** The row came on the screen: its time begins. */
  shown(): void {
    this.#since = performance.now();
  }

  /** The row left the screen (another one, another tab): its time is kept. */
  hidden(): void {
    const entry = this.current;
    if (entry && this.#since) entry.seconds = Math.min(LONGEST, entry.seconds + (performance.now() - this.#since) / 1000);
    this.#since = 0;
  }

  #go(at: number): void {
    this.hidden();
    this.at = Math.max(0, Math.min(this.entries.length, at));
    this.shown();
  }

  #next(): void {
    let k = this.at;
    while (k < this.entries.length && this.entries[k]!.state !== "open") k++;
    this.#go(k);
    if (this.#ahead() <= FEW) void this.more();
  }

  move(by: number): void {
    this.#go(Math.min(this.at + by, this.entries.length));
    if (this.#ahead() <= FEW) void this.more();
  }

  /** Decide on the row that is shown. `flag` and `comment` stay with it. */
  decide(kind: Decide["kind"], more: Partial<Decide> = {}): void {
    const entry = this.current;
    if (!entry || entry.state === "sending" || entry.state === "stuck") return;
    const moves = DECIDES.has(kind);
    this.hidden();
    this.shown();
    const { card } = entry;
    const value = withAnswers(kind, more.value, $state.snapshot(entry.answers));
    const decision: Decide = {
      kind, step: this.step, row: card.id, content: card.content, round: card.round,
      ...more, ...(value === undefined ? {} : { value }), ...(moves ? { seconds: Math.round(entry.seconds * 10) / 10 } : {}),
    }; // prettier-ignore
    if (!moves) {
      this.#line(async () => this.#aside(entry, decision));
      return;
    }
    entry.decision = decision;
    entry.state = "sending";
    entry.problem = null;
    this.decided++;
    this.#next();
    this.#line(() => this.#send(entry));
  }

  #line(task: () => Promise<void>): void {
    this.#chain = this.#chain.then(task, task);
  }

  async #aside(entry: Entry, decision: Decide): Promise<void> {
    try {
      const made = await api.decide(this.run, [{ ...decision, version: entry.version }]);
      entry.version += made.made.length;
      entry.card = { ...entry.card, decisions: [...entry.card.decisions, ...made.made] };
    } catch (error) {
      this.complain(error);
    }
  }

  async #send(entry: Entry): Promise<void> {
    if (entry.state !== "sending" || !entry.decision) return;
    if (this.entries.some((one) => one.state === "stuck")) {
      entry.state = "stuck"; // in order: what was decided first is written first
      return;
    }
    try {
      const answer = await api.decide(this.run, [{ ...entry.decision, version: entry.version }]);
      entry.made = answer.made;
      entry.version += answer.made.length;
      entry.state = "made";
      entry.stamp = ++this.#stamp;
      if (answer.progress) this.progress = answer.progress;
      if (this.#ahead() === 0) await this.more();
    } catch (error) {
      this.#fail(entry, error, entry.decision);
    }
  }

  #fail(entry: Entry, error: unknown, decision: Decide): void {
    entry.problem = told(error);
    entry.decision = decision;
    if (error instanceof ApiError && error.status === 409) {
      entry.now = error.now;
      entry.state = "conflict";
    } else {
      entry.state = "stuck";
    }
  }

  /** Send again what the server did not take, in order. */
  retry(): void {
    for (const entry of this.entries) {
      if (entry.state !== "stuck") continue;
      entry.state = "sending";
      entry.problem = null;
      this.#line(() => this.#send(entry));
    }
  }

  /** Look again at a row that was not written; all that wait behind it are open again, too. */
  reopen(entry: Entry): void {
    for (const one of this.entries) {
      if (one === entry || (one.state === "stuck" && entry.state === "stuck")) this.#fresh(one);
    }
    this.#go(this.entries.indexOf(entry));
  }

  #fresh(entry: Entry): void {
    if (typeof entry.now?.version === "number") entry.version = entry.now.version;
    entry.state = "open";
    entry.now = null;
    entry.decision = null;
    entry.made = [];
  }

  /** Decide the same although somebody else decided meanwhile. */
  async insist(entry: Entry): Promise<void> {
    if (typeof entry.now?.version === "number") entry.version = entry.now.version;
    else await this.#renew(entry);
    entry.now = null;
    entry.state = "sending";
    this.#line(() => this.#send(entry));
  }

  /** Leave the row as others decided it. */
  leave(entry: Entry): void {
    entry.state = "made";
    entry.stamp = ++this.#stamp;
    entry.decision = null;
    entry.now = null;
  }

  async #renew(entry: Entry): Promise<void> {
    const life = await api.row(this.run, entry.card.id);
    entry.version = life.versions[this.step] ?? entry.version;
  }

  /** Take back one's last act, in this sitting or an earlier one; the row is shown again. Returns what was taken back. */
  async undo(keys: readonly string[] = []): Promise<Decided[]> {
    await this.#chain;
    if (this.pending) return [];
    const answer = await api.undo(this.run, keys);
    if (answer.progress) this.progress = answer.progress;
    const rows = [...new Set(answer.made.filter((one) => one.step === this.step && one.row).map((one) => one.row!))];
    for (const row of rows.slice(0, 50)) await this.#back(row);
    this.decided = Math.max(0, this.decided - rows.length);
    const first = rows[0] ? this.entries.findLastIndex((one) => one.card.id === rows[0]) : -1;
    if (first >= 0) this.#go(first);
    else void this.more();
    return answer.made;
  }

  /** A row that is open again. */
  async #back(row: string): Promise<void> {
    const life = await api.row(this.run, row);
    let entry = this.entries.findLast((one) => one.card.id === row);
    if (!entry) {
      entry = new Entry(entryOf(life, this.step, this.setup));
      this.entries = [...this.entries.slice(0, this.at), entry, ...this.entries.slice(this.at)];
    }
    entry.version = life.versions[this.step] ?? 0;
    entry.stamp = ++this.#stamp;
    this.#fresh(entry);
  }

  /** Rows that were decided in bulk. */
  bulk(rows: readonly string[], made: readonly Decided[], progress: Progress | null | undefined): void {
    const done = new Set(rows);
    for (const entry of this.entries) {
      if (!done.has(entry.card.id) || entry.state === "sending") continue;
      entry.state = "made";
      entry.made = made.filter((one) => one.row === entry.card.id);
      entry.version += entry.made.length;
      entry.stamp = this.#stamp + 1;
    }
    this.#stamp++;
    this.decided += rows.length;
    if (progress) this.progress = progress;
    this.#next();
  }

  /** Somebody decided: rows that wait here and need no second reviewer go. */
  heard(event: Told, me: string): void {
    if (event.kind !== "decided" || event.step !== this.step || !event.row || event.who === me) return;
    const entry = this.entries.find((one) => one.card.id === event.row && one.state === "open");
    if (!entry) return;
    entry.others = event.who || "somebody";
    if (entry !== this.current && this.setup?.reviewers === 1) {
      const at = this.entries.indexOf(entry);
      this.entries = this.entries.filter((one) => one !== entry);
      if (at < this.at) this.at--;
    }
  }
}

/** The value of a decision together with the answers to the gate's questions. */
export function withAnswers(kind: string, value: unknown, answers: Record<string, string>): unknown {
  const given = Object.fromEntries(Object.entries(answers).filter(([, answer]) => answer));
  if (!Object.keys(given).length || kind === "skip" || kind === "flag" || kind === "comment") return value;
  if (kind === "rate") return { rating: value, answers: given };
  if (kind === "prefer") return { preferred: value, answers: given };
  return { ...((value as Record<string, unknown> | null | undefined) ?? {}), answers: given };
}
