// Keys: whoever is on the screen binds some; the last to bind a key gets it. `?` lists them all.

import { untrack } from "svelte";

export interface Bound {
  /** as in KeyboardEvent.key: "a", "R", "ArrowLeft", "?", "ctrl+Enter" (ctrl stands for ⌘ too) */
  keys: string | readonly string[];
  about: string;
  run: (event: KeyboardEvent) => void;
  /** also while a field is written in */
  inFields?: boolean;
  /** not in the list of keys */
  quiet?: boolean;
}

interface Layer {
  title: string;
  bound: readonly Bound[];
  /** nothing below this layer hears keys, as under a dialog */
  alone: boolean;
  /** its place is kept for who binds the same again at once */
  gone?: boolean;
}

let layers: readonly Layer[] = $state.raw([]);

/** Keys of one letter can be switched off (WCAG 2.1.4): speech input would press them by accident. */
export const letters = $state({ on: read() });

function read(): boolean {
  try {
    return localStorage.getItem("tamis-letters") !== "off";
  } catch {
    return true;
  }
}

export function switchLetters(on: boolean): void {
  letters.on = on;
  try {
    localStorage.setItem("tamis-letters", on ? "on" : "off");
  } catch {
    // it holds for this page then
  }
}

/** Bind keys until the returned function is called; call it within an `$effect` and return what it returns.
 * An effect that runs again takes the place it had: keys of a row that got news must not come to lie over an open panel. */
export function bind(title: string, bound: readonly Bound[], { alone = false } = {}): () => void {
  const layer: Layer = { title, bound, alone };
  untrack(() => {
    const place = layers.findIndex((one) => one.gone && one.title === title);
    layers = place < 0 ? [...layers, layer] : layers.with(place, layer);
  });
  return () =>
    untrack(() => {
      const left: Layer = { title, bound: [], alone: false, gone: true };
      layers = layers.map((one) => (one === layer ? left : one));
      queueMicrotask(() => (layers = layers.filter((one) => one !== left)));
    });
}

/** What is bound now, for the list of keys: the nearest first. */
export function listed(): { title: string; bound: readonly Bound[] }[] {
  return layers.filter((one) => !one.gone).reverse().map(({ title, bound }) => ({ title, bound: bound.filter((one) => !one.quiet) }));
}

/** The event's name in the way keys are bound: modifiers first, Shift only where it is not part of the character.
 * Where a keyboard writes other letters (Greek, Russian, Arabic), the key's place counts. */
export function nameOf(event: Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  let key = event.key;
  if (key.length === 1 && key > "~" && /^Key[A-Z]$/.test(event.code)) {
    key = event.shiftKey ? event.code[3]! : event.code[3]!.toLowerCase();
  }
  if (event.altKey && /^Digit[0-9]$/.test(event.code)) key = event.code[5]!; // some keyboards write other signs with Alt
  const shift = event.shiftKey && key.length > 1 ? "shift+" : "";
  return `${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${event.altKey ? "alt+" : ""}${shift}${key}`;
}

/** Whether keys belong to the element: it is written in, or chosen from. */
export function writes(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  return target.matches("input") && !target.matches("[type=checkbox], [type=radio], [type=button], [type=range]");
}

/** Whether the element itself does something on this key: buttons and links on Enter and Space. */
function own(target: EventTarget | null, name: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (name === "Enter" || name === " ") return target.closest("button, a[href], summary, [role=option], input") !== null;
  return name.startsWith("Arrow") && target.closest("[data-arrows], input[type=radio], input[type=range]") !== null;
}

export function hear(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const name = nameOf(event);
  const writing = writes(event.target);
  if (own(event.target, name)) return;
  for (const layer of [...layers].reverse()) {
    for (const one of layer.bound) {
      const names = typeof one.keys === "string" ? [one.keys] : one.keys;
      if (!names.includes(name)) continue;
      if (writing && !one.inFields) return;
      if (!letters.on && name.length === 1 && name !== "?") return;
      if (event.repeat && name.length === 1) return; // a key held down decides once
      event.preventDefault();
      one.run(event);
      return;
    }
    if (layer.alone) return;
  }
}

const SIGNS: Record<string, string> = {
  ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Enter: "↵", Escape: "Esc", " ": "Space",
}; // prettier-ignore

/** A key as it is written on the screen. */
export function sign(name: string): string {
  return name
    .split("+")
    .map((one) => (one === "ctrl" ? "Ctrl" : one === "alt" ? "Alt" : one === "shift" ? "Shift" : (SIGNS[one] ?? one)))
    .join(" ");
}
