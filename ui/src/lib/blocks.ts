// What the block editor knows of definitions (docs/strategies.md). What it has no block for stays as it was written.

export type Json = Record<string, unknown>
export type Operand = string | Json

export const COMPARISONS: [string, string][] = [
  ['crosses_above', 'crosses above'], ['crosses_below', 'crosses below'], ['above', 'is above'], ['below', 'is below'], ['equals', 'equals'],
]
export const MOVES: [string, string][] = [['rises_by', 'has risen by'], ['falls_by', 'has fallen by']]
export const GROUPS: [string, string][] = [['all', 'all of'], ['any', 'any of'], ['not', 'not'], ['within', 'within the last bars']]
export const KINDS = [...COMPARISONS, ...MOVES, ...GROUPS]
export const PRICES = ['open', 'high', 'low', 'close', 'volume', 'hl2', 'hlc3', 'ohlc4']
export const UNITS: [string, string][] = [['', 'none'], ['percent', 'percent'], ['atr', '× ATR'], ['ticks', 'ticks'], ['price', 'at price']]
export const ACTIONS: [string, string][] = [
  ['open', 'open'], ['close', 'close'], ['set_stop_loss', 'move stop loss'], ['set_take_profit', 'move take profit'], ['cancel', 'cancel entries'],
]

export const isAmong = (list: [string, string][], kind: string) => list.some(([name]) => name === kind)

export function kindOf(block: Json, known: [string, string][]): string {
  return known.find(([name]) => name in block)?.[0] ?? ''
}

/** An operand in a text field: what is no text is shown as JSON. */
export function shown(operand: unknown): string {
  return typeof operand === 'string' ? operand : JSON.stringify(operand ?? '')
}

export function typed(text: string): Operand {
  if (!text.trim().startsWith('{')) return text.trim()
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

/** A condition of another kind, with as much of the old one as fits. */
export function turned(block: Json, kind: string): Json {
  const old = kindOf(block, KINDS)
  const value = block[old]
  const operands = Array.isArray(value) && !isAmong(GROUPS, old) ? (value as unknown[]) : ['close', '0']
  if (isAmong(COMPARISONS, kind)) return { [kind]: [operands[0] ?? 'close', typeof operands[1] === 'string' ? operands[1] : '0'] }
  if (isAmong(MOVES, kind)) return { [kind]: [operands[0] ?? 'close', isAmong(MOVES, old) ? operands[1] : { percent: '1' }, operands[2] ?? { bars: 5 }] }
  const inner = isAmong(GROUPS, old) ? partsOf(block) : [block]
  if (kind === 'not') return { not: inner[0] }
  if (kind === 'within') return { within: [inner[0], { bars: 5 }] }
  return { [kind]: inner }
}

/** The conditions inside a condition. */
export function partsOf(block: Json): Json[] {
  const kind = kindOf(block, GROUPS)
  if (kind === 'not') return [block.not as Json]
  const value = (block[kind] ?? []) as Json[]
  return kind === 'within' ? value.slice(0, 1) : value
}
