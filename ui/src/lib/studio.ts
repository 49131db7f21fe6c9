// The studio door (docs/faces/studio.md) and what it answers. A client's session acts on what is theirs, an operator's
// token on all of the house: the page uses the session if there is one.
import { call, credential, type Query, type Wish } from './api'

const BASE = '/api/studio/v1'

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
  name: string
  symbol: string
  timeframe: string
  status: string
  is_published: boolean
  is_copied: boolean
  definition: unknown
  text: string | null
  active_deployment_count: number
  updated_at: string
  version: number
}

export interface Deployment {
  id: number
  strategy_id: number
  strategy_keygen: string
  strategy_name?: string
  account_login: number
  mode: string
  symbols: string[]
  size: string
  size_type: string
  state: string
  active: boolean
  state_reason: string | null
  budget: { currency: string; allocated: string; reserved: string } | null
  open_trade_count: number
  closed_trade_count: number
  last_signal_at: string | null
  created_at: string
  version: number
}

export interface BacktestRun {
  id: string
  strategy_id: number
  state: string
  progress: number
  metrics: Record<string, string | number | null> | null
  created_at: string
  error?: string | null
}

/** One condition as the strategy saw it at its last look. */
export interface Verdict {
  path: string
  text: string
  verdict: boolean | null
  values: Record<string, string | number | null>
  parts?: Verdict[]
}

export interface Why {
  state: string
  blocks: { code: string; text: string }[]
  next_look_at: string | null
  data_age_seconds: number | null
  evaluations: { at: string; symbol: string; intents: string[]; conditions: Verdict[] }[]
}

export interface Scanner {
  id: number
  name: string
  pattern_type: string
  universe: string[]
  timeframe: string
  state: string
  last_match_at: string | null
  match_count: number
}

export function studio<Answer>(path: string, wish: Omit<Wish, 'as'> = {}): Promise<Answer> {
  return call<Answer>(BASE + path, { ...wish, as: credential('client') === null ? 'dashboard' : 'client' })
}

export function pageOf<Item>(path: string, query: Query = {}): Promise<Page<Item>> {
  return studio<Page<Item>>(path, { query: { size: 100, ...query } })
}

export function reportAddress(run: BacktestRun): string {
  return `${BASE}/backtests/${run.id}/report`
}
