// Where we are: the address's hash as state. Links are plain `<a href={link(...)}>`.
import { format, parse, type Place } from "./hash";

export const place: Place = $state(parse(location.hash));

window.addEventListener("hashchange", () => Object.assign(place, parse(location.hash)));

type Values = Record<string, string | number | boolean | null | undefined>;

function clean(values: Values): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== false && value !== "") found[name] = String(value);
  }
  return found;
}

/** The address of a room; the run that is looked at stays. */
export function link(room: string, query: Values = {}): string {
  return format({ room, query: clean({ run: place.query.run, ...query }) });
}

/** Go to a room. */
export function go(room: string, query: Values = {}): void {
  location.hash = link(room, query);
}

/** Change parameters of this room's address. `keep`: the browser's Back leaves the room instead of undoing this. */
export function set(values: Values, { keep = true } = {}): void {
  const next = format({ room: place.room, query: clean({ ...place.query, ...values }) });
  if (next === location.hash) return;
  history[keep ? "replaceState" : "pushState"](null, "", next);
  Object.assign(place, parse(next));
}
