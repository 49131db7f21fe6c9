// The studio door (docs/openapi/studio.json) and what it answers. Money and sizes are decimal texts there. A client's
// session acts on what is theirs, an operator on all of the house; where both are at hand the visitor chooses.
import { acting } from './acting.svelte'
import { call, credential, type Query, text, type Wish } from './api'

const BASE = '/api/studio/v1'
const OPEN_TOKEN = 'open'

export interface Page<Item> {
  items: Item[]
  total: number
  page: number
  size: number
  pages: number
}

export interface StudioStrategy {
  id: number
  keygen: string
  user_id: number | null
  name: string
  symbol: string
  timeframe: string
  status: string
  program: string
  is_published: boolean
  is_copied: boolean
  definition_version: number
  active_deployment_count: number
  copier_count: number
  updated_at: string
  version: number
}

export interface WholeStrategy extends StudioStrategy {
  definition: Definition | null
  text: string
  latest_backtest: BacktestRun | null
}

/** The first shape of a definition: docs/strategies.md. */
export interface Definition {
  inputs?: Record<string, Record<string, unknown>>
  rules: Record<string, unknown>[]
  add_ons?: Record<string, unknown>
}

export interface Problem {
  path: string
  problem: string
}

export interface Validation {
  valid: boolean
  problems: Problem[]
  text: string
}

export interface Listing {
  strategy_id: number
  title: string
  summary: string
  symbol: string
  timeframe: string
  text: string
  copier_count: number
  published_at: string | null
  performance: { round_trips: number; net_pnl: string | null; currency: string | null; win_rate: number | null }
}

export interface Deployment {
  id: number
  strategy_id: number
  strategy_keygen: string
  account_login: number
  mode: string
  program: string
  symbols: string[]
  size: string
  size_type: string
  state: string
  active: boolean
  state_reason: string | null
  budget: { currency: string; allocated: string; reserved: string } | null
  open_trade_count: number
  closed_trade_count: number
  net_pnl: string
  last_signal_at: string | null
  created_at: string
  version: number
}

export interface EquityPoint {
  at: string
  equity: string
  realized_pnl: string
  unrealized_pnl: string
}

export interface StudioSignal {
  id: number
  deployment_id: number
  symbol: string
  at: string
  action: string
  price: string
  quantity: string | null
  outcome: string
  reason: string
}

export interface BacktestRun {
  id: number
  strategy_id: number
  definition_version: number
  symbols: string[]
  timeframe: string
  state: string
  progress: number
  reason: string | null
  metrics: Record<string, string | number | null> | null
  created_at: string
  started_at: string | null
  ended_at: string | null
}

/** One condition as the strategy saw it at a look. */
export interface Condition {
  path: string
  text: string
  verdict: 'met' | 'unmet' | 'unknown'
  values: { name: string; value: number | null }[]
  parts: Condition[]
}

export interface RuleLook {
  rule: number
  looked: boolean
  verdict: Condition['verdict'] | null
  text: string
  condition: Condition | null
}

export interface Evaluation {
  symbol: string
  at: string
  looked_at: string
  data_age_ms: number | null
  rules: RuleLook[]
  outcomes: { path: string; text: string; done: boolean; reason: string }[]
  blocks: string[]
}

export interface Why {
  state: string
  as_of: string
  summary: string
  blocks: string[]
  next_look_at: string | null
  looks: { symbol: string; next_look_at: string | null; last_bar_closed_at: string | null; data_age_ms: number | null }[]
  evaluations: Evaluation[]
}

export interface Scanner {
  id: number
  name: string
  pattern_type: string
  pattern: string
  text: string
  universe: string[]
  timeframe: string
  state: string
  last_match_at: string | null
  match_count: number
}

export interface Match {
  id: number | null
  scanner_id: number
  symbol: string
  timeframe: string
  pattern: string
  bar_at: string
  at: string
  price: string
  direction: string | null
}

export interface Indicator {
  name: string
  title: string
  inputs: string[]
  parameters: { name: string; default: number | string; minimum: number | string | null; maximum: number | string | null }[]
  outputs: string[]
  is_pattern: boolean
}

/** Whom the page speaks for at this door. */
function vouched(): Pick<Wish, 'as' | 'token'> {
  if (acting.who === 'client' && credential('client') !== null) return { as: 'client' }
  return credential('dashboard') === null ? { token: OPEN_TOKEN } : { as: 'dashboard' }
}

/** What the stream is told first. */
export function token(): string {
  const wish = vouched()
  return wish.token ?? credential(wish.as!) ?? OPEN_TOKEN
}

export function studio<Answer>(path: string, wish: Omit<Wish, 'as' | 'token'> = {}): Promise<Answer> {
  return call<Answer>(BASE + path, { ...wish, ...vouched() })
}

export function pageOf<Item>(path: string, query: Query = {}): Promise<Page<Item>> {
  return studio<Page<Item>>(path, { query: { size: 100, ...query } })
}

export function reportOf(run: BacktestRun): Promise<string> {
  return text(`${BASE}/backtests/${run.id}/report`, vouched())
}
