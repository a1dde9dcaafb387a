// The map without an app: `TamisMap.mount(element, data)` for pages that hold everything themselves. `TamisMap.start()`
// mounts what the page's element `data` holds into its element `map`.
import { mount as mountComponent, unmount } from "svelte";
import Alone from "./Alone.svelte";
import { TextsInMemory } from "./data";
import { decode } from "./decode";

/** Bytes, or their gzip in base 64. */
type Packed = ArrayBuffer | string;

export interface Given {
  /** as runs/map.py writes them */
  map: Packed;
  /** a list of texts by place, or such a list as JSON, gzipped, in base 64 */
  texts?: readonly string[] | string;
  renderer?: "auto" | "webgl" | "canvas";
}

async function unpacked(packed: Packed): Promise<ArrayBuffer> {
  if (typeof packed !== "string") return packed;
  const raw = atob(packed);
  const bytes = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k++) bytes[k] = raw.charCodeAt(k);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

function say(target: HTMLElement, error: unknown): void {
  const told = document.createElement("p");
  told.setAttribute("role", "alert");
  told.textContent = `The map cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
  target.replaceChildren(told);
}

/** Draws the map into an element; resolves to a function that takes it away. */
export async function mount(target: HTMLElement, given: Given): Promise<() => void> {
  try {
    const data = decode(await unpacked(given.map));
    const texts = typeof given.texts === "string" ? (JSON.parse(new TextDecoder().decode(await unpacked(given.texts))) as string[]) : [...(given.texts ?? [])];
    while (texts.length < data.n) texts.push("");
    target.replaceChildren();
    const shown = mountComponent(Alone, { target, props: { data, texts: new TextsInMemory(texts), renderer: given.renderer ?? "auto" } });
    return () => void unmount(shown);
  } catch (error) {
    say(target, error);
    throw error;
  }
}

export function start(): void {
  const target = document.getElementById("map")!;
  const text = document.getElementById("data")?.textContent ?? "";
  void (async () => mount(target, JSON.parse(text) as Given))().catch((error: unknown) => say(target, error));
}
