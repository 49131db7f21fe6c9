// A WebSocket that is followed by its sequence: after every connect its welcome is waited for, a snapshot is read by
// REST, and frames apply from there on. A gap in the sequence is a reconnect; so is a snapshot that cannot be read.
// Frames are handed over once per animation frame.

export interface Told {
  type: string
  seq: number
  data: unknown
}

export interface LineWishes<Frame extends Told> {
  path: string
  /** Said whenever the socket opens. */
  greet: () => unknown[]
  /** The type of the frame after which the snapshot is read. */
  welcome: string
  /** Reads all that frames then change. */
  snapshot: () => Promise<void>
  frames: (frames: Frame[]) => void
  /** Whether a frame is no news; asked for each. */
  isAside?: (frame: Frame) => boolean
  /** The line came up, or went down with a close code. */
  up?: () => void
  down?: (code: number) => void
}

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 15_000
const BATCH_MAX = 20_000
const CONNECTING = 0 // As WebSocket.CONNECTING.

export class Line<Frame extends Told> {
  isUp = false
  retries = 0
  private socket: WebSocket | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private batch: Frame[] = []
  private lastSeq = 0
  private isWelcome = false
  private isScheduled = false
  private isEnded = false

  constructor(private readonly wishes: LineWishes<Frame>) {}

  open(): void {
    const { path, greet, down } = this.wishes
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}${path}`)
    this.socket = socket
    socket.onopen = () => greet().forEach((words) => this.say(words))
    socket.onmessage = (event: MessageEvent<string>) => {
      if (socket === this.socket) this.hear(JSON.parse(event.data) as Frame)
    }
    socket.onclose = (event) => {
      if (socket !== this.socket || this.isEnded) return
      this.isUp = this.isWelcome = false
      this.lastSeq = 0
      this.batch = []
      this.retries++
      down?.(event.code)
      this.timer = setTimeout(() => this.open(), Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.retries - 1, 8)))
    }
  }

  /** Start again, with another credential perhaps. */
  restart(): void {
    this.hangUp()
  }

  /** For good. */
  end(): void {
    this.isEnded = true
    clearTimeout(this.timer)
    this.hangUp()
  }

  /** A socket that is closed while it opens would be an error in the browser's log: it is let open first. */
  private hangUp(): void {
    const socket = this.socket
    if (socket?.readyState === CONNECTING) socket.onopen = () => socket.close()
    else socket?.close()
  }

  /** Say something; before the socket is open nothing, its greeting comes first. */
  say(words: unknown): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(words))
  }

  private hear(frame: Frame): void {
    const isWelcome = frame.type === this.wishes.welcome
    if (isWelcome || this.wishes.isAside?.(frame)) {
      // Some doors number these too.
      if (frame.seq === this.lastSeq + 1) this.lastSeq++
      if (isWelcome && !this.isWelcome) void this.begin()
      return
    }
    if (typeof frame.seq !== 'number') return
    if (this.lastSeq && frame.seq !== this.lastSeq + 1) return this.restart()
    this.lastSeq = frame.seq
    this.batch.push(frame)
    if (this.batch.length > BATCH_MAX) return this.restart()
    if (this.isUp && !this.isScheduled) {
      this.isScheduled = true
      requestAnimationFrame(() => this.flush())
    }
  }

  /** Frames wait until the snapshot is there that they change; without it everything starts again. */
  private async begin(): Promise<void> {
    this.isWelcome = true
    const mine = this.socket
    try {
      await this.wishes.snapshot()
    } catch {
      return mine?.close()
    }
    if (mine !== this.socket || !this.isWelcome || this.isEnded) return
    this.isUp = true
    this.retries = 0
    this.wishes.up?.()
    this.flush()
  }

  private flush(): void {
    this.isScheduled = false
    if (!this.batch.length || this.isEnded) return
    const frames = this.batch
    this.batch = []
    this.wishes.frames(frames)
  }
}
