// What the page knows of the house, kept true by a snapshot and the frames after it. Rows keep their identity, so that
// only what changed is drawn again.
import { SvelteMap } from 'svelte/reactivity'

import { call, list } from './api'
import type { Frame } from './stream.svelte'
import type { AccountRow, AuditRow, BudgetEntry, Fill, Instrument, Order, Position, Quote, Signal, Strategy, System } from './types'

const FILLS_MAX = 500
const AUDIT_MAX = 200
const SIGNALS_MAX = 200
const ACCOUNT_KEY = 'tradehall.account'

export const TOPICS = ['order', 'fill', 'position', 'account', 'budget', 'signal', 'audit', 'quote']

export const quotes = new SvelteMap<string, Quote>()
export const orders = new SvelteMap<string, Order>()
export const positions = new SvelteMap<string, Position>()
export const budgets = new SvelteMap<string, BudgetEntry>()
export const accounts = new SvelteMap<string, AccountRow>()

/** Lists are replaced, never changed in place: what is in them need not be watched one by one. */
class Live {
  account = $state('')
  mode = $state('…')
  system = $state.raw<System | null>(null)
  loaded = $state(false)
  /** Grows with every change of an order, a fill or a position. */
  changes = $state(0)
  instruments = $state.raw<Instrument[]>([])
  strategies = $state.raw<Strategy[]>([])
  fills = $state.raw<Fill[]>([])
  signals = $state.raw<Signal[]>([])
  audit = $state.raw<AuditRow[]>([])
}

export const live = new Live()

const CHANGING = new Set(['order', 'fill', 'position'])
const WORKING = new Set(['PENDING', 'ACCEPTED', 'TRIGGERED', 'PARTIALLY_FILLED'])

export function isWorking(order: Order): boolean {
  return WORKING.has(order.status)
}

/** Working orders of one account, newest first. */
export function workingOrders(account: string, symbol?: string): Order[] {
  return [...orders.values()]
    .filter((order) => order.account_id === account && isWorking(order) && (!symbol || bare(order.instrument_id) === symbol))
    .sort((one, other) => other.ts_init.localeCompare(one.ts_init))
}

export function openPositions(account: string, symbol?: string): Position[] {
  return [...positions.values()]
    .filter((position) => position.account_id === account && (!symbol || bare(position.instrument_id) === symbol))
    .sort((one, other) => one.ts_opened.localeCompare(other.ts_opened))
}

/** The newest fills of one account. */
export function fillsOf(account: string): Fill[] {
  return live.fills.filter((fill) => fill.account_id === account)
}

/** `EURUSD` of `EURUSD.SIM`. */
export function bare(instrument: string): string {
  const dot = instrument.lastIndexOf('.')
  return dot < 0 ? instrument : instrument.slice(0, dot)
}

export function strategyName(id: string | null): string {
  return id === null ? '' : (live.strategies.find((strategy) => strategy.id === id)?.name ?? id.slice(0, 8))
}

/** Load everything that frames then change. */
export async function snapshot(): Promise<void> {
  const [system, instruments, accountRows, strategies, working, open, fills, registry, signals, audit] = await Promise.all([
    call<System>('/api/trading/system'),
    call<Instrument[]>('/api/trading/instruments'),
    call<AccountRow[]>('/api/trading/accounts'),
    call<Strategy[]>('/api/trading/strategies'),
    list<Order>('/api/trading/orders', { status: [...WORKING].join(','), limit: 1000 }),
    list<Position>('/api/trading/positions', { limit: 1000 }),
    list<Fill>('/api/trading/fills', { limit: FILLS_MAX }),
    call<Record<string, Record<string, BudgetEntry>>>('/api/budget/registry'),
    list<Signal>('/api/trading/signals', { limit: SIGNALS_MAX }),
    list<AuditRow>('/api/trading/audit', { limit: AUDIT_MAX }),
  ])
  live.mode = system.mode
  live.system = system
  live.instruments = instruments
  live.strategies = strategies
  live.fills = fills.rows
  live.signals = signals.rows
  live.audit = audit.rows
  replace(accounts, accountRows, (row) => row.account_id)
  replace(orders, working.rows, orderKey)
  replace(positions, open.rows, positionKey)
  budgets.clear()
  for (const [strategy, entries] of Object.entries(registry)) {
    for (const [currency, entry] of Object.entries(entries)) {
      budgets.set(`${strategy}:${currency}`, { ...entry, strategy_id: strategy, currency })
    }
  }
  if (!accounts.has(live.account)) live.account = firstAccount(accountRows)
  live.loaded = true
  live.changes++
}

/** The one that was looked at last; else where something happens. */
function firstAccount(rows: AccountRow[]): string {
  const kept = localStorage.getItem(ACCOUNT_KEY)
  if (kept !== null && accounts.has(kept)) return kept
  const runs = live.strategies.find((strategy) => strategy.status === 'RUNNING' && strategy.account_id !== null)
  return live.fills[0]?.account_id ?? runs?.account_id ?? rows[0]?.account_id ?? ''
}

export function chooseAccount(id: string): void {
  live.account = id
  localStorage.setItem(ACCOUNT_KEY, id)
}

export async function reloadStrategies(): Promise<void> {
  live.strategies = await call<Strategy[]>('/api/trading/strategies')
}

function replace<Row>(map: SvelteMap<string, Row>, rows: Row[], key: (row: Row) => string): void {
  map.clear()
  for (const row of rows) map.set(key(row), row)
}

export function orderKey(order: Order): string {
  return `${order.account_id}:${order.client_order_id}`
}

function positionKey(position: Position): string {
  return `${position.account_id}:${position.position_id}:${position.strategy_id ?? ''}`
}

/** Apply one animation frame's worth of news; of quotes only the newest per symbol. */
export function apply(frames: Frame[]): void {
  const newest = new Map<string, Quote>()
  const fills: Fill[] = []
  const audit: AuditRow[] = []
  const signals: Signal[] = []
  for (const frame of frames) {
    const data: unknown = frame.data
    if (frame.type === 'quote') newest.set((data as Quote).symbol, data as Quote)
    else if (frame.type === 'order') applyOrder(data as Order)
    else if (frame.type === 'position') applyPosition(data as Position)
    else if (frame.type === 'account') accounts.set((data as AccountRow).account_id, data as AccountRow)
    else if (frame.type === 'budget') applyBudget(data as BudgetEntry)
    else if (frame.type === 'fill') fills.unshift(data as Fill)
    else if (frame.type === 'audit') audit.unshift(data as AuditRow)
    else if (frame.type === 'signal') signals.unshift(data as Signal)
  }
  for (const [symbol, quote] of newest) quotes.set(symbol, quote)
  if (frames.some((frame) => CHANGING.has(frame.type))) live.changes++
  if (fills.length) live.fills = ahead(fills, live.fills, (fill) => fill.trade_id, FILLS_MAX)
  if (audit.length) live.audit = ahead(audit, live.audit, (row) => row.id, AUDIT_MAX)
  if (signals.length) live.signals = ahead(signals, live.signals, (signal) => signal.id, SIGNALS_MAX)
}

/** News before what is known; what the snapshot had already is not told twice. */
function ahead<Row>(news: Row[], known: Row[], id: (row: Row) => string, most: number): Row[] {
  const ids = new Set(known.slice(0, news.length + most).map(id))
  return [...news.filter((row) => !ids.has(id(row))), ...known].slice(0, most)
}

function applyOrder(order: Order): void {
  if (isWorking(order)) orders.set(orderKey(order), order)
  else orders.delete(orderKey(order))
}

function applyPosition(position: Position): void {
  if (position.status === 'open') positions.set(positionKey(position), position)
  else positions.delete(positionKey(position))
}

function applyBudget(entry: BudgetEntry): void {
  budgets.set(`${entry.strategy_id}:${entry.currency}`, entry)
}
