// The app as one script and one style sheet, for the frame in a notebook.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  define: { "process.env.NODE_ENV": '"production"' },
  build: {
    outDir: "../src/tamis/web/static/notebook",
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: "src/notebook/frame.ts", formats: ["iife"], name: "TamisReview", fileName: () => "app.js", cssFileName: "app" },
    rolldownOptions: { output: { inlineDynamicImports: true } },
  },
});
