import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

// The built page is part of the Python package; its paths are relative, so that it works behind any prefix.
export default defineConfig({
  plugins: [svelte()],
  base: './',
  build: { outDir: '../src/tradehall/faces/dashboard/page', emptyOutDir: true, assetsInlineLimit: 0, target: 'es2022' },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/v1', '/client', '/health', '/ready'].map((path) => [
        path,
        { target: 'http://127.0.0.1:8080', ws: true },
      ]),
    ),
  },
})
