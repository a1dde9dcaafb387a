// The rooms of the app, in the order of the menu. A room is a file in this folder, loaded when it is first opened.
import type { Component } from "svelte";

export interface Room {
  /** in the address: `#/rows` */
  id: string;
  title: string;
  /** Shift and this letter opens it */
  key: string;
  load: () => Promise<{ default: Component }>;
  /** fills the window and scrolls within, instead of a page */
  full?: boolean;
}

export const rooms: readonly Room[] = [
  { id: "overview", title: "Overview", key: "O", load: () => import("./Overview.svelte") },
  { id: "rows", title: "Rows", key: "R", load: () => import("./Rows.svelte"), full: true },
  { id: "queue", title: "Review queue", key: "Q", load: () => import("./Queue.svelte"), full: true },
  { id: "clusters", title: "Clusters", key: "C", load: () => import("./Clusters.svelte") },
  { id: "map", title: "Map", key: "M", load: () => import("./Map.svelte"), full: true },
  { id: "prompts", title: "Prompts", key: "P", load: () => import("./Prompts.svelte") },
  { id: "duplicates", title: "Duplicates", key: "D", load: () => import("./Duplicates.svelte") },
  { id: "contamination", title: "Contamination", key: "T", load: () => import("./Contamination.svelte") },
  { id: "privacy", title: "Privacy", key: "V", load: () => import("./Privacy.svelte") },
  { id: "delivery", title: "Delivery", key: "L", load: () => import("./Delivery.svelte") },
];
