// The map without an app: `TamisMap.mount(element, packed)` for pages that hold everything themselves.
import { mount as mountComponent } from "svelte";
import { synthetic } from "./synthetic";
import Alone from "./Alone.svelte";

export function mount(target: HTMLElement): void {
  const { data, texts } = synthetic(200_000);
  mountComponent(Alone, { target, props: { data, texts } });
}
