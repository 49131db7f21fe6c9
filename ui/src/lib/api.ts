// The page is one more client of the public doors: fetch with a credential per door, and each door's own errors.

/** Who vouches for a request: the dashboard's operator, a client's session, a support token. */
export type Credential = 'dashboard' | 'client' | 'support'

const STORAGE_KEY = 'tradehall.credential.'

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly body: unknown,
  ) {
    super(message)
  }
}

export function credential(kind: Credential): string | null {
  return sessionStorage.getItem(STORAGE_KEY + kind)
}

export function keepCredential(kind: Credential, token: string | null): void {
  if (token === null) sessionStorage.removeItem(STORAGE_KEY + kind)
  else sessionStorage.setItem(STORAGE_KEY + kind, token)
}

export type Query = Record<string, string | number | boolean | null | undefined>

export interface Wish {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  query?: Query
  body?: unknown
  as?: Credential
  /** Instead of a kept credential. */
  token?: string
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** The parsed answer; ApiError with the door's own sentence otherwise. */
export async function call<Answer>(path: string, wish: Wish = {}): Promise<Answer> {
  return (await send(path, wish)).body as Answer
}

/** The text of an answer, a report's page for instance. */
export async function text(path: string, wish: Wish = {}): Promise<string> {
  return (await send(path, wish)).body as string
}

/** A list and how many rows match in all (the header X-Total-Count). */
export async function list<Row>(path: string, query: Query = {}): Promise<{ rows: Row[]; total: number }> {
  const { response, body } = await send(path, { query })
  const rows = body as Row[]
  return { rows, total: Number(response.headers.get('x-total-count') ?? rows.length) }
}

async function send(path: string, wish: Wish): Promise<{ response: Response; body: unknown }> {
  const headers = new Headers({ accept: 'application/json', ...wish.headers })
  const token = wish.token ?? credential(wish.as ?? 'dashboard')
  if (token !== null) headers.set('authorization', `Bearer ${token}`)
  if (wish.body !== undefined) headers.set('content-type', 'application/json')
  const response = await fetch(address(path, wish.query), {
    method: wish.method ?? 'GET',
    headers,
    body: wish.body === undefined ? undefined : JSON.stringify(wish.body),
    signal: wish.signal,
  })
  const text = await response.text()
  const body: unknown = text && response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text
  if (!response.ok) throw new ApiError(response.status, sentence(body) ?? `${response.status} ${response.statusText}`, body)
  return { response, body }
}

function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return text ? `${path}?${text}` : path
}

/** What each door calls its sentence: `detail`, `message`, `error`, `error.message`. */
function sentence(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return null
  const { detail, message, error } = body as Record<string, unknown>
  if (typeof detail === 'string') return detail
  if (Array.isArray(detail)) return detail.map(problem).join('; ')
  if (typeof message === 'string') return message
  if (typeof error === 'string') return error
  return error === undefined ? null : sentence(error)
}

function problem(item: unknown): string {
  const { loc, msg } = item as { loc?: unknown[]; msg?: string }
  return [loc?.slice(1).join('.'), msg].filter(Boolean).join(': ')
}
