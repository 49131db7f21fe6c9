// What the dashboard door answers (docs/faces/dashboard.md). Money and quantities are JSON numbers there.

export interface Strategy {
  id: string
  strategy_id: string
  name: string
  venue: string
  instrument_id: string
  status: string
  config: Record<string, unknown>
  open_orders: number
  open_positions: number
  account_id: string | null
  trading_state: 'NORMAL' | 'REDUCE_ONLY' | 'HALTED'
  created_at: string
  updated_at: string
}

export interface Order {
  client_order_id: string
  venue_order_id: string | null
  strategy_id: string | null
  strategy_name: string | null
  account_id: string
  instrument_id: string
  side: 'BUY' | 'SELL'
  order_type: string
  time_in_force: string
  quantity: number
  filled_qty: number
  leaves_qty: number
  price: number | null
  trigger_price: number | null
  avg_px: number | null
  status: string
  reason: string | null
  reduce_only: boolean
  post_only: boolean
  order_id: string
  stop_loss: number | null
  take_profit: number | null
  trailing_distance: number | null
  position_id: string | null
  ts_init: string
  ts_last: string
}

export interface Fill {
  trade_id: string
  client_order_id: string
  strategy_id: string | null
  strategy_name: string | null
  account_id: string
  instrument_id: string
  side: 'BUY' | 'SELL'
  fill_qty: number
  fill_px: number
  notional: number
  fee: number
  fee_currency: string
  liquidity: string
  realized_pnl: number
  position_id: string | null
  ts_event: string
}

export interface Position {
  position_id: string
  strategy_id: string | null
  strategy_name: string | null
  account_id: string
  instrument_id: string
  side: 'LONG' | 'SHORT' | 'FLAT'
  status: 'open' | 'closed'
  quantity: number
  signed_qty: number
  avg_open_px: number
  avg_close_px: number | null
  last_px: number | null
  realized_pnl: number
  unrealized_pnl: number | null
  currency: string
  fees: number
  ts_opened: string
  ts_closed: string | null
  duration_s: number | null
}

export interface BudgetEntry {
  strategy_id: string
  currency: string
  allocated: number
  reserved: number
  available: number
  realized_pnl?: number
  total_fees?: number
}

export interface AuditRow {
  id: string
  entity_type: string
  entity_id: string
  action: string
  severity: 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL'
  actor: string
  role: string
  reason: string
  outcome: string
  error_code: string | null
  request_id: string
  seq: number
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
  message: string | null
  created_at: string
}

export interface Signal {
  id: string
  strategy_id: string
  strategy_name: string | null
  instrument_id: string
  signal_type: string
  direction: 'LONG' | 'SHORT' | 'FLAT'
  strength: number
  price: number | null
  client_order_id: string | null
  ts_event: string
}

export interface DenyReason {
  client_order_id: string
  status: string
  source: string
  code: string
  reason: string
  context: Record<string, unknown>
  denied_at: string
}

export interface Quote {
  symbol: string
  bid: number
  ask: number
  ts: string
}

export interface AccountRow {
  account_id: string
  currency: string
  position_mode: string
  balance: number
  equity: number
  margin_used: number
  margin_free: number
  margin_level: number | null
  unrealized_pnl: number
  day_pnl: number
  trading_state: 'NORMAL' | 'REDUCE_ONLY' | 'HALTED'
  state_reason: string
  status: string
  leverage: number
}

export interface Instrument {
  symbol: string
  instrument_id: string
  description: string
  tick_size: number
  quantity_step: number | null
  contract_size: number
  currency: string
}

/** What this server is, and who the page is to it. */
export interface System {
  mode: string
  version: string
  started_at: string
  feed: string
  auth: 'open' | 'token'
  role: string
}

export interface BarRow {
  ts: string
  open: number
  high: number
  low: number
  close: number
  volume: number
}

/** A line of an indicator, computed by the server; a bar without a value is left out. */
export interface StudyLine {
  study: string
  output: string
  is_price: boolean
  points: { ts: string; value: number }[]
}
