// The review app: index.html and its files, into the package's static folder. Nothing is loaded from elsewhere.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  base: "./",
  build: {
    outDir: "../src/tamis/web/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the page's content policy allows no data: scripts or styles
    modulePreload: { polyfill: false },
  },
});
