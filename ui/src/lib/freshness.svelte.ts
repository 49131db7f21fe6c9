// Lists that the server keeps: read again when there is news, but not with every piece of it.

const PAUSE_MS = 1000

/** Calls `load` once a second at most while `news` keeps changing. Belongs into a component's beginning. */
export function follow(news: () => unknown, load: () => void): void {
  let timer: ReturnType<typeof setTimeout> | null = null
  let isFirst = true
  $effect(() => {
    news()
    if (isFirst) isFirst = false
    else
      timer ??= setTimeout(() => {
        timer = null
        load()
      }, PAUSE_MS)
  })
  $effect(() => () => {
    if (timer !== null) clearTimeout(timer)
  })
}
