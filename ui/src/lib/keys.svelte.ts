// Letters that work on every page unless something is being typed.

type Action = () => void

const actions = new Map<string, { action: Action; help: string }>()
export const help = $state<{ open: boolean; keys: { key: string; text: string }[] }>({ open: false, keys: [] })

function tell(): void {
  help.keys = [...actions].map(([key, { help: text }]) => ({ key, text }))
}

/** Bind `key` while the caller lives: `$effect(() => bind('b', 'Buy', buy))`. */
export function bind(key: string, text: string, action: Action): () => void {
  actions.set(key, { action, help: text })
  tell()
  return () => {
    if (actions.get(key)?.action === action) actions.delete(key)
    tell()
  }
}

export function onkeydown(event: KeyboardEvent): void {
  const target = event.target as HTMLElement
  const typing = target.matches('input, select, textarea, [contenteditable]')
  if (typing) {
    if (event.key === 'Escape') target.blur()
    return
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
  const found = actions.get(event.key)
  if (!found) return
  event.preventDefault()
  found.action()
}
