import { mount as mountComponent } from "svelte";
import MapView from "./MapView.svelte";

export function mount(target: HTMLElement): void {
  mountComponent(MapView, { target });
}
