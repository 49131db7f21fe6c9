// One WebSocket for the whole page. After every connect: subscribe, load a snapshot by REST, then apply frames;
// a gap in the sequence is a reconnect. Frames are handed over once per animation frame.
import { credential } from './api'

export interface Frame {
  type: string
  seq: number
  ts: string
  data: Record<string, unknown>
}

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 15_000
const PING_MS = 10_000
const BATCH_MAX = 20_000
const NO_AUTH = 4401

export const connection = $state({ up: false, refused: false, rate: 0, lagMs: 0, retries: 0 })

type Listener = (frames: Frame[]) => void

let socket: WebSocket | null = null
let topics: string[] = []
let symbols: string[] = []
let batch: Frame[] = []
let lastSeq = 0
let received = 0
let pinged = 0
let scheduled = false
let subscribed = false
let onFrames: Listener = () => {}
let onSnapshot: () => Promise<void> = async () => {}

/** Open the stream and keep it open; `snapshot` loads what the frames then change. */
export function connect(wanted: string[], frames: Listener, snapshot: () => Promise<void>): void {
  topics = wanted
  onFrames = frames
  onSnapshot = snapshot
  open()
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
  if (subscribed) subscribe()
}

/** Start again, with another credential perhaps. */
export function reconnect(): void {
  socket?.close()
}

function open(): void {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:'
  socket = new WebSocket(`${scheme}//${location.host}/api/trading/ws`)
  socket.onopen = () => {
    const token = credential('dashboard')
    if (token !== null) socket?.send(JSON.stringify({ type: 'auth', token }))
    subscribe()
  }
  socket.onmessage = (event: MessageEvent<string>) => hear(JSON.parse(event.data) as Frame)
  socket.onclose = (event) => {
    connection.up = subscribed = false
    connection.refused = event.code === NO_AUTH
    lastSeq = 0
    batch = []
    connection.retries++
    setTimeout(open, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(connection.retries - 1, 8)))
  }
}

function subscribe(): void {
  socket?.send(JSON.stringify({ type: 'subscribe', topics, symbols, strategy_id: null }))
}

function ping(): void {
  if (!connection.up) return
  pinged = performance.now()
  socket?.send(JSON.stringify({ type: 'ping' }))
}

function hear(frame: Frame): void {
  received++
  if (frame.type === 'pong') {
    connection.lagMs = Math.round(performance.now() - pinged)
    return
  }
  if (frame.type === 'subscribed') {
    if (!subscribed) void begin()
    return
  }
  if (typeof frame.seq !== 'number') return
  if (lastSeq && frame.seq !== lastSeq + 1) return reconnect()
  lastSeq = frame.seq
  batch.push(frame)
  if (batch.length > BATCH_MAX) return reconnect()
  if (connection.up && !scheduled) {
    scheduled = true
    requestAnimationFrame(flush)
  }
}

/** Frames wait until the snapshot is there that they change; without it everything starts again. */
async function begin(): Promise<void> {
  subscribed = true
  const mine = socket
  try {
    await onSnapshot()
  } catch {
    return mine?.close()
  }
  if (mine !== socket || !subscribed) return
  connection.up = true
  connection.refused = false
  connection.retries = 0
  flush()
  ping()
}

function flush(): void {
  scheduled = false
  if (!batch.length) return
  const frames = batch
  batch = []
  onFrames(frames)
}
