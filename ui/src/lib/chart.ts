/** One bar; `time` is its opening instant in seconds, UTC. */
export interface Candle {
  time: number
  open: number
  high: number
  low: number
  close: number
  volume: number
}

/** A horizontal line: a price of an order that can be dragged, or a position that cannot. */
export interface ChartLine {
  id: string
  price: number
  title: string
  tone: 'up' | 'down' | 'accent' | 'warn'
  dashed?: boolean
  movable?: boolean
}

export interface ChartMarker {
  time: number
  side: 'BUY' | 'SELL'
  text: string
}

/** An indicator's line, computed by the server, so that chart, scanner and strategy never disagree. */
export interface Study {
  name: string
  /** Over the bars, or in a pane of its own below them. */
  isPrice: boolean
  /** Those of one indicator share a pane. */
  group: string
  points: { time: number; value: number }[]
}
