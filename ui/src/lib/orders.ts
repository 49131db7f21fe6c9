// What the page does to orders, and how they look on a chart.
import type { ChartLine } from './chart'
import { plain, signed } from './format'
import type { Order, Position } from './types'

/** By its number: a name that a caller gave may be anything. */
export function orderPath(order: Order): string {
  return `/api/trading/orders/${encodeURIComponent(order.order_id)}`
}

/** Which price of which order a line stands for. */
export interface OrderLine extends ChartLine {
  order: Order
  field: 'price' | 'trigger_price' | 'stop_loss' | 'take_profit'
}

const TYPES: Record<string, string> = { LIMIT: 'limit', STOP: 'stop', STOP_LIMIT: 'stop limit', TRAILING_STOP: 'trailing stop', MARKET: 'market' }

/** A line for each price of a working order: where it waits, and the exits it brings along. */
export function linesOf(order: Order): OrderLine[] {
  const tone = order.side === 'BUY' ? ('up' as const) : ('down' as const)
  const side = order.side === 'BUY' ? 'Buy' : 'Sell'
  const exit = order.reduce_only && order.position_id !== null ? (order.price !== null ? 'TP: ' : 'SL: ') : ''
  const name = `${exit}${side} ${plain(order.leaves_qty)} ${TYPES[order.order_type] ?? order.order_type.toLowerCase()}`
  const wanted: [OrderLine['field'], string, ChartLine['tone'], boolean][] = [
    ['price', name, tone, false],
    ['trigger_price', order.price === null ? name : `${name}: trigger`, tone, true],
    ['stop_loss', `SL of ${side.toLowerCase()} ${plain(order.leaves_qty)}`, 'warn', true],
    ['take_profit', `TP of ${side.toLowerCase()} ${plain(order.leaves_qty)}`, 'warn', true],
  ]
  const movable = (field: OrderLine['field']) => order.order_type !== 'TRAILING_STOP' || field !== 'trigger_price'
  return wanted.flatMap(([field, title, color, dashed]) => {
    const price = order[field]
    if (price === null) return []
    return [{ id: `${order.account_id} ${order.order_id} ${field}`, price, title, tone: color, dashed, movable: movable(field), order, field }]
  })
}

export function lineOf(position: Position): ChartLine {
  const pnl = position.unrealized_pnl === null ? '' : ` ${signed(position.unrealized_pnl)}`
  return {
    id: `position ${position.position_id} ${position.strategy_id ?? ''}`, price: position.avg_open_px, tone: 'accent',
    title: `${position.side === 'LONG' ? 'Long' : 'Short'} ${plain(position.quantity)}${pnl}`,
  }
}
