// Light or dark: the visitor's choice, else the system's.

const KEY = 'tradehall.theme'

export type Theme = 'dark' | 'light'

function first(): Theme {
  const kept = localStorage.getItem(KEY)
  if (kept === 'dark' || kept === 'light') return kept
  return matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark'
}

export const theme = $state<{ name: Theme }>({ name: first() })
document.documentElement.dataset.theme = theme.name

export function toggleTheme(): void {
  theme.name = theme.name === 'dark' ? 'light' : 'dark'
  document.documentElement.dataset.theme = theme.name
  localStorage.setItem(KEY, theme.name)
}

/** A colour token's present value, for canvases. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}
