// The studio's stream, one for each page that needs it: deployments, signals, equity, backtests, scanners.
import { Line, type Told } from './line'
import { token } from './studio'

export type StudioFrame = Told

/** `begin` follows until what it returns is called; `again` starts anew, as somebody else perhaps. `snapshot` reads what
 * frames then change, after every connect; while there is no connection it is read with every attempt to make one. */
export function followStudio(snapshot: () => Promise<void>, apply: (frame: StudioFrame) => void): { begin: () => () => void; again: () => void } {
  let line: Line<StudioFrame> | null = null
  return {
    begin: () => {
      const mine = new Line<StudioFrame>({
        path: '/api/studio/v1/ws', greet: () => [{ token: token() }], welcome: 'ready', snapshot,
        frames: (frames) => frames.forEach(apply), down: () => void snapshot().catch(() => {}),
      })
      line = mine
      mine.open()
      return () => mine.end()
    },
    again: () => line?.restart(),
  }
}

/** `row` in place of the one with its id, else before them all. */
export function put<Row extends { id: number }>(rows: Row[], row: Row): Row[] {
  return rows.some((each) => each.id === row.id) ? rows.map((each) => (each.id === row.id ? row : each)) : [row, ...rows]
}
