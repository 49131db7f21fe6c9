import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig, type Plugin } from 'vite'

/** Writes what the page was built from, so that tools/check_page.py can tell without Node whether it is fresh. */
function sources(): Plugin {
  const files = ['index.html', 'package-lock.json', 'vite.config.ts']
  const folders = ['public', 'src']
  return {
    name: 'sources',
    generateBundle() {
      const inside = folders.flatMap((folder) =>
        readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => `${entry.parentPath}/${entry.name}`),
      )
      const names = [...files, ...inside].sort()
      const digest = createHash('sha256')
      for (const name of names) digest.update(`${name}\0`).update(readFileSync(name)).update('\0')
      this.emitFile({ type: 'asset', fileName: 'built-from.txt', source: `${digest.digest('hex')}\n` })
    },
  }
}

// The built page is part of the Python package; its paths are relative, so that it works behind any prefix.
export default defineConfig({
  plugins: [svelte(), sources()],
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
