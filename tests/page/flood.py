"""How many frames a second the page draws under a flood of news: python -m tests.page.flood

The page is the real one, its first rows come from a real server; its stream is replaced by one in the browser that
sends 1,000 frames a second (quotes, accounts, positions, orders, fills), as text, with sequence numbers.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import CDPSession, expect

from tests.page.browser import Visitor, opened_browser
from tests.page.conftest import listened_to
from tests.serving import Server

RATE = 1_000
SECONDS = 8

STREAM = """
(() => {
  const rate = RATE, step = 10
  class Flood extends EventTarget {
    constructor() { super(); this.seq = 0; this.readyState = 1; setTimeout(() => this.onopen?.({}), 0) }
    tell(frame) { this.onmessage?.({ data: JSON.stringify(frame) }) }
    news(type, data) { this.tell({ type, seq: ++this.seq, ts: new Date().toISOString(), data }) }
    send(text) {
      const said = JSON.parse(text)
      if (said.type === 'ping') return this.tell({ type: 'pong' })
      if (said.type !== 'subscribe') return
      this.tell({ type: 'subscribed', topics: said.topics })
      this.timer ??= setInterval(() => this.round(), step)
    }
    close() {}
    round() { for (let i = 0; i < (rate * step) / 1000; i++) this.one() }
    one() {
      const n = this.seq, now = new Date().toISOString(), wave = Math.sin(n / 97) * 0.001
      const base = { account_id: '700200', instrument_id: 'EURUSD.SIM', strategy_id: null, strategy_name: null }
      if (n % 10 < 6) this.news('quote', { symbol: 'EURUSD', bid: 1.0867 + wave, ask: 1.0868 + wave, ts: now })
      else if (n % 10 === 6) this.news('account', { account_id: '700200', currency: 'USD', position_mode: 'NETTING',
        balance: 100000, equity: 100000 + wave * 1e5, margin_used: 543, margin_free: 99457, margin_level: 18000,
        unrealized_pnl: wave * 1e5, day_pnl: wave * 1e5, trading_state: 'NORMAL', state_reason: '', status: 'ACTIVE',
        leverage: 20 })
      else if (n % 10 === 7) this.news('position', { ...base, position_id: 'pos_' + (n % 10), side: 'LONG',
        status: 'open', quantity: 1000, signed_qty: 1000, avg_open_px: 1.0865, avg_close_px: null, last_px: 1.0867,
        realized_pnl: 0, unrealized_pnl: wave * 1e4, currency: 'USD', fees: 0, ts_opened: '2026-01-01T00:00:00Z',
        ts_closed: null, duration_s: null })
      else if (n % 10 === 8) this.news('order', { ...base, client_order_id: 'o' + (n % 30), order_id: 'ord_' + (n % 30),
        venue_order_id: null, side: 'BUY', order_type: 'LIMIT', time_in_force: 'GTC', quantity: 1000, filled_qty: 0,
        leaves_qty: 1000, price: 1.08 + (n % 30) / 1e5, trigger_price: null, avg_px: null, status: 'ACCEPTED',
        reason: null, reduce_only: false, post_only: false, stop_loss: null, take_profit: null,
        trailing_distance: null, position_id: null, ts_init: '2026-01-01T00:00:00Z', ts_last: now })
      else this.news('fill', { ...base, trade_id: 'trd_x' + n, client_order_id: 'o1', side: 'BUY', fill_qty: 1000,
        fill_px: 1.0867, notional: 1086.7, fee: 0, fee_currency: 'USD', liquidity: 'TAKER', realized_pnl: 0,
        position_id: null, ts_event: now })
    }
  }
  Flood.OPEN = 1
  window.WebSocket = Flood
})()
"""
COUNT = """
(seconds) => new Promise((done) => {
  const gaps = []
  let last = performance.now()
  const end = last + seconds * 1000
  const tick = (now) => {
    gaps.push(now - last)
    last = now
    if (now < end) return requestAnimationFrame(tick)
    gaps.sort((a, b) => a - b)
    done({ fps: gaps.length / seconds, p99: gaps[Math.floor(gaps.length * 0.99)] })
  }
  requestAnimationFrame(tick)
})
"""


def busy_seconds(session: CDPSession) -> float:
    """How long the page's main thread has worked."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def main() -> int:
    """Print a line per page; 1 where one draws fewer than 55 frames a second."""
    slow = 0
    with TemporaryDirectory() as folder:
        server = Server(Path(folder), "--demo")
        listened_to(server)
        with server, opened_browser() as browser:
            for name in ("overview", "trade/EURUSD", "blotter"):
                visitor = Visitor(browser, server.url)
                visitor.context.add_init_script(STREAM.replace("RATE,", f"{RATE},"))
                page = visitor.go(name)
                expect(page.get_by_text("live", exact=True)).to_be_visible()
                session = visitor.context.new_cdp_session(page)
                session.send("Performance.enable")
                page.wait_for_timeout(2_000)
                before = busy_seconds(session)
                found = page.evaluate(COUNT, SECONDS)
                busy = (busy_seconds(session) - before) / SECONDS
                slow += found["fps"] < 55
                print(f"{name:14} {found['fps']:5.1f} frames/s, p99 {found['p99']:5.1f} ms, busy {busy:4.0%}, {RATE}/s")
                visitor.close()
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
