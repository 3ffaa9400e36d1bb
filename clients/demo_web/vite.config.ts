import { defineConfig } from "vite";

export default defineConfig({
  build: {
    outDir: "dist",
    target: "es2023",
    assetsInlineLimit: 0, // the page's policy has no data: for scripts or styles
    modulePreload: { polyfill: false }, // an inline script, which the policy forbids
    sourcemap: false,
    chunkSizeWarningLimit: 600, // libsodium with its WebAssembly inside
  },
  worker: { format: "es" },
  server: { host: "127.0.0.1" },
});
