// The map alone, as one script and one style sheet for pages without a server (the report, notebooks):
// `TamisMap.mount(element, data)`.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  define: { "process.env.NODE_ENV": '"production"' },
  build: {
    outDir: "../src/tamis/web/static/map",
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: "src/map/standalone.ts", formats: ["iife"], name: "TamisMap", fileName: () => "map.js", cssFileName: "map" },
  },
});
