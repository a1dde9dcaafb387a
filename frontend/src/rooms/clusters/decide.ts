// Decisions about clusterings: what is sent, and where they belong.
import { run, say, sayError } from "../../lib/app.svelte";
import { api } from "../../lib/client";
import type { ClusteringLine, GateState } from "../../lib/shapes";

export type ClusterKind = "look" | "shortlist" | "choose" | "rename" | "merge" | "split" | "same_topic" | "odd_one_out";

/** Says one thing about a clustering; whether it was written. `told`: what people read, with an undo. */
export async function decide(
  kind: ClusterKind,
  line: ClusteringLine,
  gate: GateState | null,
  value: Record<string, unknown>,
  { why, told, undone, seconds }: { why?: string; told?: string; undone?: () => void; seconds?: number } = {},
): Promise<boolean> {
  const step = (kind === "rename" || kind === "merge" || kind === "split" ? null : gate?.step) ?? line.step;
  try {
    const { made } = await api.decide(run(), [{ kind, step, value: { clustering: line.clustering, ...value }, why: why ?? null, seconds: seconds ?? null }]);
    const keys = made.map((one) => one.key);
    if (told) {
      say(told, {
        action: {
          label: "Undo",
          run: () =>
            void api.undo(run(), keys).then(() => undone?.(), sayError),
        },
      });
    }
    return true;
  } catch (error) {
    sayError(error);
    return false;
  }
}

/** A clustering's parameters in words. */
export function parameters(line: ClusteringLine): string {
  return Object.entries(line.parameters)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(", ");
}
