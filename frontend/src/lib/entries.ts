// Cards made from a row's whole life, for rows that come back after an undo.
import type { Card, Desk, RowLife } from "./shapes";

/** The row as the queue shows it: nothing that the gate hides. */
export function entryOf(life: RowLife, step: string, desk: Desk | null): Card {
  const hidden = new Set(desk?.blind ?? []);
  const isHidden = (name: string): boolean => hidden.has(name) || [...hidden].some((one) => name.endsWith(`.${one}`));
  return {
    id: life.id,
    version: life.versions[step] ?? 0,
    content: null,
    round: null,
    messages: life.messages,
    rejected: life.rejected,
    text: life.text,
    columns: Object.fromEntries(Object.entries(life.columns).filter(([name]) => !isHidden(name))),
    evidence: hidden.size ? [] : life.steps.filter((word) => word.step !== step),
    decisions: [],
    cut: life.cut,
  };
}
