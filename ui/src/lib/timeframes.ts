export const TIMEFRAMES = ['1m', '5m', '15m', '30m', '1h', '4h', '1d']

const SECONDS: Record<string, number> = { '1m': 60, '5m': 300, '15m': 900, '30m': 1800, '1h': 3600, '4h': 14400, '1d': 86400 }

/** Length of a bar. */
export function secondsOf(timeframe: string): number {
  return SECONDS[timeframe] ?? 60
}

/** The opening of the bar that an instant (RFC 3339) falls into, in seconds. */
export function openingOf(instant: string, timeframe: string): number {
  const span = secondsOf(timeframe)
  return Math.floor(Date.parse(instant) / 1000 / span) * span
}
