// Prices with as many digits as their instrument has, so that columns line up.
import { type Amount, plain } from './format'
import { bare, live } from './live.svelte'

/** Decimals of an instrument, by its symbol or id; null: it is not known. */
export function digitsOf(instrument: string): number | null {
  const found = live.instruments.find((each) => each.instrument_id === instrument || each.symbol === bare(instrument))
  return found ? Math.max(0, Math.ceil(-Math.log10(found.tick_size) - 1e-9)) : null
}

/** An average may lie between two ticks: then it has the digits it needs. */
export function price(instrument: string, value: Amount): string {
  const digits = digitsOf(instrument)
  if (value === null || value === undefined || value === '' || digits === null) return plain(value)
  const fixed = Number(value).toFixed(digits)
  return Math.abs(Number(fixed) - Number(value)) < 1e-12 * Math.max(1, Math.abs(Number(value))) ? fixed : Number(value).toFixed(digits + 1)
}
