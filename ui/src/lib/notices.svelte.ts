// What the page says in passing: one polite live region reads it aloud.

export interface Notice {
  id: number
  tone: 'info' | 'error'
  text: string
}

const SHOWN_MAX = 4
const LIFE_MS = 6000

let next = 1
export const notices = $state<Notice[]>([])

export function notify(text: string, tone: Notice['tone'] = 'info'): void {
  const id = next++
  notices.push({ id, tone, text })
  if (notices.length > SHOWN_MAX) notices.shift()
  setTimeout(() => dismiss(id), tone === 'error' ? LIFE_MS * 2 : LIFE_MS)
}

export function dismiss(id: number): void {
  const index = notices.findIndex((notice) => notice.id === id)
  if (index >= 0) notices.splice(index, 1)
}

/** Do something and tell if it fails; the answer, or null. */
export async function attempt<T>(work: () => Promise<T>, done?: string): Promise<T | null> {
  try {
    const answer = await work()
    if (done) notify(done)
    return answer
  } catch (error) {
    notify(error instanceof Error ? error.message : String(error), 'error')
    return null
  }
}
