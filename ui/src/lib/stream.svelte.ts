// The dashboard's stream, one for the whole page: what happens on the accounts, and quotes of the symbols in sight.
import { credential } from './api'
import { Line, type Told } from './line'

export interface Frame extends Told {
  ts: string
  data: Record<string, unknown>
}

const PING_MS = 10_000
const NO_AUTH = 4401

export const connection = $state({ up: false, refused: false, rate: 0, lagMs: 0, retries: 0 })

let line: Line<Frame> | null = null
let topics: string[] = []
let symbols: string[] = []
let received = 0
let pinged = 0

/** Open the stream and keep it open; `snapshot` loads what the frames then change. */
export function connect(wanted: string[], frames: (frames: Frame[]) => void, snapshot: () => Promise<void>): void {
  topics = wanted
  line = new Line<Frame>({ path: '/api/trading/ws', greet, welcome: 'subscribed', snapshot, frames, isAside, up, down })
  line.open()
  setInterval(() => {
    connection.rate = received
    received = 0
  }, 1000)
  setInterval(ping, PING_MS)
}

/** Quotes of these symbols, conflated by the server. */
export function watch(wanted: string[]): void {
  if (wanted.join() === symbols.join()) return
  symbols = wanted
  line?.say(subscription())
}

/** Start again, with another credential perhaps. */
export function reconnect(): void {
  line?.restart()
}

function greet(): unknown[] {
  const token = credential('dashboard')
  return [...(token === null ? [] : [{ type: 'auth', token }]), subscription()]
}

function subscription(): unknown {
  return { type: 'subscribe', topics, symbols, strategy_id: null }
}

function up(): void {
  connection.up = true
  connection.refused = false
  connection.retries = 0
  ping()
}

function down(code: number): void {
  connection.up = false
  connection.refused = code === NO_AUTH
  connection.retries++
}

function ping(): void {
  if (!connection.up) return
  pinged = performance.now()
  line?.say({ type: 'ping' })
}

function isAside(frame: Frame): boolean {
  received++
  if (frame.type === 'pong') connection.lagMs = Math.round(performance.now() - pinged)
  return frame.type === 'pong'
}
