// Speaking with the server: one function for each route of the contract, and one kind of error.
import type * as s from "./shapes";

/** An answer that is not 2xx, or none at all (`status` 0). `now`: of a 409, what was decided meanwhile. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint: string | null = null,
    readonly now: Record<string, unknown> | null = null,
  ) {
    super(message);
  }
}

export type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;

/** A path with its query; what is empty is left out, lists are joined by commas. */
export function address(path: string, query: Query = {}): string {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "" || value === false) continue;
    const text = Array.isArray(value) ? value.join(",") : String(value);
    if (text) found.set(name, text);
  }
  const rest = found.toString();
  return rest ? `${path}?${rest}` : path;
}

const part = encodeURIComponent;

async function send(method: string, url: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url, {
      method,
      signal: signal ?? null,
      credentials: "same-origin",
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "the server does not answer", "is `tamis review` still running?");
  }
  if (answer.ok) return answer;
  const problem = (await answer.json().catch(() => null)) as s.Problem | null;
  if (answer.status === 401) {
    throw new ApiError(401, problem?.error ?? "this browser is not signed in", problem?.hint ?? "open the link that `tamis review` printed");
  }
  throw new ApiError(answer.status, problem?.error ?? `the server answered ${answer.status}`, problem?.hint ?? null, problem?.now ?? null);
}

async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return (await send("GET", address(path, query), undefined, signal)).json() as Promise<T>;
}

async function post<T>(path: string, body: unknown, query?: Query): Promise<T> {
  return (await send("POST", address(path, query), body)).json() as Promise<T>;
}

/** What is asked of the table of rows. */
export interface RowsQuery {
  q?: string;
  where?: string;
  sort?: string;
  descending?: boolean;
  outcome?: string;
  step?: string;
  reason?: string;
  columns?: readonly string[];
}

type Run = string | undefined;

export const api = {
  session: () => get<s.Session>("/api/session"),
  sayName: (name: string) => post<s.Session>("/api/session", { name }),
  overview: (run: Run) => get<s.Overview>("/api/overview", { run }),
  rows: (run: Run, query: RowsQuery, offset: number, limit: number, signal?: AbortSignal) =>
    get<s.RowsPage>("/api/rows", { run, ...query, offset, limit }, signal),
  facets: (run: Run, query: RowsQuery, of: readonly string[], signal?: AbortSignal) =>
    get<s.FacetList>("/api/facets", { run, ...query, of }, signal),
  row: (run: Run, id: string, signal?: AbortSignal) => get<s.RowLife>(`/api/rows/${part(id)}`, { run }, signal),
  views: () => get<s.Views>("/api/views"),
  saveView: (view: s.NewView) => post<s.Views>("/api/views", view),
  forgetView: (name: string) => post<s.Views>("/api/views/forget", { name }),
  queue: (run: Run, step: string, query: { order?: string; limit?: number; after?: readonly string[] } = {}, signal?: AbortSignal) =>
    get<s.Queue>(`/api/queue/${part(step)}`, { run, ...query }, signal),
  progress: (run: Run, step: string) => get<s.Progress>(`/api/queue/${part(step)}/progress`, { run }),
  agreement: (run: Run, step: string) => get<s.Agreement>(`/api/queue/${part(step)}/agreement`, { run }),
  disagreements: (run: Run, step: string, limit = 50) =>
    get<s.Disagreements>(`/api/queue/${part(step)}/disagreements`, { run, limit }),
  similar: (run: Run, bulk: s.Bulk) => post<s.Similar>("/api/similar", bulk, { run }),
  decide: (run: Run, decisions: readonly s.Decide[]) => post<s.Made>("/api/decisions", { decisions }, { run }),
  undo: (run: Run, keys: readonly string[] = []) => post<s.Made>("/api/undo", { keys }, { run }),
  history: (run: Run, limit = 100, who?: string) => get<s.Made>("/api/history", { run, limit, who }),
  clusterings: (run: Run) => get<s.Clusterings>("/api/clusterings", { run }),
  clustering: (run: Run, clustering: string) => get<s.ClusteringCards>(`/api/clusterings/${part(clustering)}`, { run }),
  clusterFlow: (run: Run, a: string, b: string) => get<s.ClusterFlow>("/api/cluster-flow", { run, a, b }),
  blindTest: (run: Run, a: string, b: string) => get<s.BlindTest>("/api/blind-test", { run, a, b }),
  blindResults: (run: Run, a: string, b: string) => get<s.TestResults>("/api/blind-test/results", { run, a, b }),
  map: async (run: Run, layout?: string, signal?: AbortSignal) =>
    (await send("GET", address("/api/map", { run, layout }), undefined, signal)).arrayBuffer(),
  mapTexts: (run: Run, layout: string | undefined, start: number, stop: number) =>
    get<s.MapTexts>("/api/map/texts", { run, layout, start, stop }),
  prompts: (run: Run) => get<s.Prompts>("/api/prompts", { run }),
  pilot: (run: Run, step: string, version?: string) => get<s.Pilot>(`/api/prompts/${part(step)}`, { run, version }),
  copies: (run: Run, step: string | undefined, offset: number, limit: number) =>
    get<s.CopyGroups>("/api/copies", { run, step, offset, limit }),
  leaks: (run: Run, step: string | undefined, offset: number, limit: number) =>
    get<s.Leaks>("/api/leaks", { run, step, offset, limit }),
  privacy: (run: Run) => get<s.Privacy>("/api/privacy", { run }),
  privacySample: (run: Run, offset: number, limit: number) => get<s.PrivacySample>("/api/privacy/sample", { run, offset, limit }),
  checkPrivacy: (run: Run, check: s.PrivacyCheck) => post<s.Privacy>("/api/privacy/sample", check, { run }),
  delivery: (run: Run) => get<s.Delivery>("/api/delivery", { run }),
  downloadAddress: (run: Run, name: string) => address(`/api/delivery/${part(name)}`, { run }),
};

/** What to say of an error: its message, and what helps. */
export function told(error: unknown): { message: string; hint: string | null } {
  if (error instanceof ApiError) return { message: error.message, hint: error.hint };
  return { message: error instanceof Error ? error.message : String(error), hint: null };
}
