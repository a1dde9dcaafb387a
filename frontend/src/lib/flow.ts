// The picture of a run: a band of rows from top to bottom, narrower where rows leave, with a branch for each reason.
// The same picture as in the report, with links to the rows.
import { number, percent } from "./numbers";
import type { Overview } from "./shapes";

export interface Goal {
  outcome?: string;
  step?: string;
  reason?: string;
  where?: string;
}

export interface Branch {
  kind: string;
  name: string;
  rows: number;
  goal: Goal;
}

export interface Stop {
  name: string;
  note: string;
  rows: number;
  born: number;
  goal: Goal;
  branches: Branch[];
}

interface Shape {
  width: number;
  left: number;
  band: number;
  exit: number;
  label: number;
  letters: number;
  labelsLeft: boolean;
  line: number;
}

export const WIDE: Shape = { width: 960, left: 270, band: 290, exit: 610, label: 622, letters: 44, labelsLeft: true, line: 19 };
export const NARROW: Shape = { width: 360, left: 6, band: 96, exit: 124, label: 130, letters: 31, labelsLeft: false, line: 18 };

const THINNEST = 1.5;
const GAP = 5;
const CURVE = 13;
const BIRTH = 30;
const LEAST = 40;

export interface DrawnBranch extends Branch {
  path: string;
  lead?: string;
  x: number;
  y: number;
  share: string;
  short: string;
}

export interface DrawnStop {
  stop: Stop;
  band: string;
  branches: DrawnBranch[];
  label: { x: number; y: number; name: string; notes: string };
}

export interface Drawn {
  width: number;
  height: number;
  stops: DrawnStop[];
}

/** What the picture shows, from the run's account. */
export function stops(overview: Overview): Stop[] {
  const { run, steps } = overview;
  const first = steps[0]?.rows_in ?? run.kept;
  const found: Stop[] = [{ name: "read", note: "", rows: run.rows, born: 0, goal: {}, branches: [] }];
  if (run.rows > first) {
    found[0]!.branches.push({ kind: "quarantined", name: "unreadable", rows: run.rows - first, goal: { outcome: "quarantined" } });
  }
  for (const step of steps) {
    const note = step.changed ? `${number(step.changed)} changed` : "";
    const stop: Stop = { name: step.name, note, rows: step.rows_in, born: step.born, goal: { step: step.name }, branches: [] };
    const told: Record<string, number> = {};
    for (const reason of step.reasons) {
      if (!reason.rows || reason.outcome === "kept") continue;
      told[reason.outcome] = (told[reason.outcome] ?? 0) + reason.rows;
      stop.branches.push({
        kind: reason.outcome, name: reason.reason || reason.outcome, rows: reason.rows,
        goal: { step: step.name, outcome: reason.outcome, reason: reason.reason },
      }); // prettier-ignore
    }
    for (const kind of ["dropped", "merged", "held", "quarantined"] as const) {
      const rest = step[kind] - (told[kind] ?? 0);
      if (rest > 0) stop.branches.push({ kind, name: kind, rows: rest, goal: { step: step.name, outcome: kind } });
    }
    found.push(stop);
  }
  const splits = Object.entries(overview.splits ?? {}).filter(([, rows]) => rows > 0);
  found.push({
    name: overview.delivered.length ? "delivered" : "kept", note: "", rows: run.kept, born: 0, goal: { outcome: "kept" },
    branches: splits.length
      ? splits.map(([name, rows]) => ({ kind: "kept", name, rows, goal: { outcome: "kept", where: `split = '${name.replaceAll("'", "''")}'` } }))
      : [{ kind: "kept", name: "kept", rows: run.kept, goal: { outcome: "kept" } }],
  }); // prettier-ignore
  return found;
}

export function draw(list: readonly Stop[], shape: Shape): Drawn {
  const most = Math.max(1, ...list.map((stop) => stop.rows + stop.born));
  const scale = shape.band / most;
  const drawn: DrawnStop[] = [];
  let y = 8;
  list.forEach((stop, k) => {
    const [one, next] = k === list.length - 1 ? end(stop, shape, scale, y) : middle(stop, shape, scale, y);
    drawn.push(one);
    y = next;
  });
  return { width: shape.width, height: y + 8, stops: drawn };
}

const n = (value: number): string => String(Math.round(value * 10) / 10);
const thick = (rows: number, scale: number): number => (rows > 0 ? Math.max(THINNEST, rows * scale) : 0);
const cutTo = (name: string, letters: number): string => (name.length <= letters ? name : `${name.slice(0, Math.max(1, letters - 1))}…`);

function labelled(branch: Branch, shape: Shape, path: string, y: number, rows: number, lead?: string): DrawnBranch {
  const room = shape.letters - number(branch.rows).length - 9;
  return { ...branch, path, x: shape.label, y, share: percent(branch.rows, rows), short: cutTo(branch.name, room), ...(lead ? { lead } : {}) };
}

function named(stop: Stop, shape: Shape, y: number): DrawnStop["label"] {
  const notes = [number(stop.rows) + (stop.born ? ` + ${number(stop.born)} born` : ""), stop.note].filter(Boolean).join(" · ");
  if (shape.labelsLeft) return { x: shape.left - 16, y: y + 13, name: cutTo(stop.name, 34), notes };
  return { x: shape.label, y: y + 12, name: cutTo(stop.name, Math.max(10, shape.letters - notes.length - 2)), notes };
}

/** One step from `y` down, and where the next begins. */
function middle(stop: Stop, shape: Shape, scale: number, y: number): [DrawnStop, number] {
  const head = shape.labelsLeft ? 0 : shape.line + 2;
  const slots = stop.branches.map((b) => Math.max(shape.line, thick(b.rows, scale) + GAP));
  const top = stop.branches.length ? CURVE : 0;
  const grown = stop.born ? Math.max(0, BIRTH - head) : 0;
  const height = Math.max(LEAST, head + grown + top + slots.reduce((a, b) => a + b, 0) + 8);
  let rows = stop.rows;
  let right = shape.left + thick(rows, scale);
  const edge: [number, number][] = [[right, y]];
  if (stop.born) {
    rows += stop.born;
    right = shape.left + thick(rows, scale);
    edge.push([right, y + BIRTH]);
  }
  let at = y + head + grown + top;
  const branches: DrawnBranch[] = [];
  stop.branches.forEach((branch, k) => {
    rows -= branch.rows;
    const inner = rows > 0 ? shape.left + thick(rows, scale) : shape.left;
    const wide = Math.max(THINNEST, thick(branch.rows, scale));
    const half = at + slots[k]! / 2;
    const ya = half - wide / 2;
    const yb = half + wide / 2;
    const start = Math.max(y + grown, ya - CURVE);
    const bend = Math.max(CURVE, ya - start);
    const path =
      `M${n(right)} ${n(start)}Q${n(right)} ${n(ya)} ${n(right + bend)} ${n(ya)}L${n(shape.exit)} ${n(ya)}` +
      `L${n(shape.exit)} ${n(yb)}L${n(right + bend)} ${n(yb)}Q${n(Math.min(inner, right - THINNEST))} ${n(yb)} ${n(Math.min(inner, right - THINNEST))} ${n(start)}Z`;
    branches.push(labelled(branch, shape, path, half, stop.rows + stop.born));
    edge.push([right, start], [inner, start]);
    right = inner;
    at += slots[k]!;
  });
  edge.push([right, y + height]);
  const band = `M${n(shape.left)} ${n(y)} ${edge.map(([x, v]) => `L${n(x)} ${n(v)}`).join(" ")} L${n(shape.left)} ${n(y + height)}Z`;
  return [{ stop, band, branches, label: named(stop, shape, y) }, y + height];
}

/** What is delivered: the band forks into the splits, each with a line to its label. */
function end(stop: Stop, shape: Shape, scale: number, y: number): [DrawnStop, number] {
  const head = shape.labelsLeft ? 0 : shape.line + 2;
  const top = y + 6;
  const bottom = top + 20;
  let right = shape.left + thick(stop.rows, scale);
  let left = stop.rows;
  let at = Math.max(bottom + 14, y + head + 16);
  const branches: DrawnBranch[] = [];
  for (const branch of stop.branches) {
    left -= branch.rows;
    const inner = left > 0 ? shape.left + thick(left, scale) : shape.left;
    const low = Math.min(inner + (left > 0 ? 2 : 0), right - THINNEST);
    const half = (low + right) / 2;
    const path = `M${n(low)} ${n(top)}L${n(right)} ${n(top)}L${n(right)} ${n(bottom)}L${n(low)} ${n(bottom)}Z`;
    const lead = `M${n(half)} ${n(bottom)}L${n(half)} ${n(at - 6)}Q${n(half)} ${n(at)} ${n(half + 6)} ${n(at)}L${n(shape.exit)} ${n(at)}`;
    branches.push(labelled(branch, shape, path, at, stop.rows, lead));
    right = inner;
    at += shape.line + 2;
  }
  return [{ stop, band: "", branches, label: named(stop, shape, y) }, at - 8];
}
