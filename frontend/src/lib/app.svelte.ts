// What the whole page knows: who reviews, which run is looked at, the theme, messages that pass.
import { api, told } from "./client";
import { place } from "./place.svelte";
import type { Event as Told, Overview, RunName, Session } from "./shapes";

export const app = $state({
  session: null as Session | null,
  /** why there is no session */
  refused: null as { message: string; hint: string | null } | null,
  overview: null as Overview | null,
  overviewError: null as { message: string; hint: string | null } | null,
  loading: false,
  /** whether the server's events arrive */
  live: false,
});

export const runId = (run: RunName): string => `${run.recipe}/${run.number}`;

/** The run that is looked at, as the server wants it; undefined: the last one. */
export function run(): string | undefined {
  return place.query.run;
}

export const isLead = (): boolean => app.session?.role === "lead";

export async function openSession(): Promise<void> {
  try {
    app.session = await api.session();
    app.refused = null;
  } catch (error) {
    app.refused = told(error);
  }
}

let asked = 0;

/** Read the run's overview; rooms share it, since gates and steps are named everywhere. */
export async function loadOverview(): Promise<void> {
  const mine = ++asked;
  app.loading = true;
  try {
    const overview = await api.overview(run());
    if (mine === asked) Object.assign(app, { overview, overviewError: null });
  } catch (error) {
    if (mine === asked) Object.assign(app, { overview: null, overviewError: told(error) });
  } finally {
    if (mine === asked) app.loading = false;
  }
}

type Listener = (event: Told) => void;
const listeners = new Set<Listener>();

/** Hear the server's events until the returned function is called. */
export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function listen(): () => void {
  const stream = new EventSource("/api/events");
  const hear = (event: MessageEvent<string>): void => {
    app.live = true;
    try {
      const said = JSON.parse(event.data) as Told;
      for (const listener of [...listeners]) listener(said);
    } catch {
      // not ours
    }
  };
  stream.onopen = () => (app.live = true);
  stream.onerror = () => (app.live = false);
  stream.onmessage = hear;
  for (const kind of ["decided", "run", "hello"]) stream.addEventListener(kind, hear as EventListener);
  return () => stream.close();
}

export interface Toast {
  id: number;
  text: string;
  kind: "plain" | "error";
  action?: { label: string; run: () => void } | undefined;
}

export const toasts: Toast[] = $state([]);
let toastId = 0;

/** Say something in passing. Errors stay until they are closed. */
export function say(text: string, { kind = "plain", action }: { kind?: Toast["kind"]; action?: Toast["action"] } = {}): void {
  const id = ++toastId;
  toasts.push({ id, text, kind, action });
  if (toasts.length > 4) toasts.shift();
  if (kind === "plain") setTimeout(() => hush(id), action ? 9000 : 5000);
}

export function sayError(error: unknown): void {
  const { message, hint } = told(error);
  say(hint ? `${message} – ${hint}` : message, { kind: "error" });
}

export function hush(id: number): void {
  const k = toasts.findIndex((one) => one.id === id);
  if (k >= 0) toasts.splice(k, 1);
}

export type Theme = "auto" | "light" | "dark";

function stored(): Theme {
  try {
    const found = localStorage.getItem("tamis-theme");
    return found === "light" || found === "dark" ? found : "auto";
  } catch {
    return "auto";
  }
}

export const theme = $state({ choice: stored() });

export function setTheme(choice: Theme): void {
  theme.choice = choice;
  if (choice === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  try {
    localStorage.setItem("tamis-theme", choice);
  } catch {
    // it holds for this page then
  }
}

setTheme(theme.choice);
