// The support door (docs/openapi/support.json): what a partner's staff see and do for the people of their domain.
import { call, type Query, type Wish } from './api'

const BASE = '/api/support/v1'

export interface SupportUser {
  id: number
  unique_key: string
  email: string
  phone: string | null
  first_name: string
  last_name: string
  country: string | null
  status: 'active' | 'inactive' | string
  email_verified: boolean
  account_logins: number[]
  strategy_count: number
  active_deployment_count: number
  last_login_at: string | null
  created_at: string
}

export interface SupportAudit {
  id: string
  at: string
  actor: string
  role: string
  action: string
  entity_type: string
  entity_id: string
  user_id: number | null
  reason: string
  outcome: string
  error_code: string | null
}

export interface Step {
  at: string
  seq: number | null
  kind: string
  text: string
  data: Record<string, unknown>
}

export interface Explanation {
  order_id: string
  user_id: number | null
  account_login: number
  outcome: string
  text: string
  steps: Step[]
  redecided: { same: boolean; differences: unknown[]; decided: number; left_out: unknown[] }
}

export interface Check {
  claim: string
  passed: boolean
  figures: Record<string, string>
}

export function support<Answer>(path: string, wish: Omit<Wish, 'as' | 'token'> = {}): Promise<Answer> {
  return call<Answer>(BASE + path, { ...wish, as: 'support' })
}

export function supportPage<Item>(path: string, query: Query = {}): Promise<{ items: Item[]; total: number }> {
  return support(path, { query: { size: 100, ...query } })
}
