// Amounts stay text from the server to the screen; only charts turn them into numbers.

export type Amount = string | number | null | undefined

const NONE = '–'

/** An amount with `digits` decimals and thin spaces between thousands. */
export function money(value: Amount, digits = 2): string {
  if (value === null || value === undefined || value === '') return NONE
  const number = Number(value)
  if (!Number.isFinite(number)) return String(value)
  return number.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** A signed amount: profit shows its plus. */
export function signed(value: Amount, digits = 2): string {
  const text = money(value, digits)
  return text !== NONE && Number(value) > 0 ? `+${text}` : text
}

/** A price or a quantity as it was given, without an exponent. */
export function plain(value: Amount): string {
  if (value === null || value === undefined || value === '') return NONE
  if (typeof value === 'string') return value
  return value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 12 })
}

export function percent(fraction: Amount, digits = 1): string {
  if (fraction === null || fraction === undefined || fraction === '') return NONE
  return `${(Number(fraction) * 100).toFixed(digits)} %`
}

/** The class of a figure's sign. */
export function tone(value: Amount): '' | 'up' | 'down' {
  const number = Number(value ?? 0)
  return number > 0 ? 'up' : number < 0 ? 'down' : ''
}

/** An instant (RFC 3339) in UTC: the time today, else the day with it. */
export function instant(text: string | null | undefined): string {
  if (!text) return NONE
  const day = text.slice(0, 10)
  const time = text.slice(11, 19)
  return day === new Date().toISOString().slice(0, 10) ? time : `${day} ${time}`
}

/** How long, in words that fit a cell. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return NONE
  if (seconds < 60) return `${Math.round(seconds)} s`
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`
  if (seconds < 172800) return `${(seconds / 3600).toFixed(1)} h`
  return `${Math.round(seconds / 86400)} d`
}
