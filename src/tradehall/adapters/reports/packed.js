// What was packed, and how it is written. The parts of the script are joined in the order of html_report.SCRIPT_PARTS
// and share one scope. All text goes in as text, never as markup.

const NS = 'http://www.w3.org/2000/svg';
const MINUTE = 60e3, HOUR = 60 * MINUTE, DAY = 24 * HOUR, YEAR = 365 * DAY;
const WINDOW_MIN = 10 * MINUTE, MARKED_MAX = 150, PAGE_ROWS = 15;
const byId = (id) => document.getElementById(id);
const given = JSON.parse(byId('report-data').textContent);

// ---------------------------------------------------------------- what was packed

const summed = (differences) => { let sum = 0; return differences.map((step) => (sum += step)); };
const unpacked = (packed) => ({ at: summed(packed.at), values: packed.values });
const equity = unpacked(given.equity);
const prices = new Map(Object.entries(given.prices).map(([symbol, packed]) => [symbol, unpacked(packed)]));
const trips = unpackedTrips(given.trips);
const drawdown = { at: equity.at, values: fallsOf(equity.values) };
const hold = heldFrom(prices.get(given.symbols[0]));
const shown = { from: given.start, to: given.end, symbol: given.symbols[0], chosen: null, holds: true };
const all = { from: given.start, to: Math.max(given.end, given.start + WINDOW_MIN) };
Object.assign(shown, all);

function unpackedTrips(columns) {
  const opened = summed(columns.opened), ids = summed(columns.id), first = BigInt(columns.first_id);
  return opened.map((at, row) => ({
    row, number: row + 1, id: String(first + BigInt(ids[row])), symbol: given.symbols[columns.symbol[row]],
    side: columns.side[row] > 0 ? 'long' : 'short', quantity: columns.quantity[row], opened: at,
    closed: columns.held[row] < 0 ? null : at + columns.held[row], held: columns.held[row] < 0 ? null : columns.held[row],
    entry: columns.entry[row], exit: columns.exit[row], net: columns.net[row], fees: columns.fees[row],
    swaps: columns.swaps[row], strategy: columns.strategies[columns.strategy[row]],
    reason: columns.reasons[columns.reason[row]], comment: columns.comments[columns.comment[row]],
  }));
}

function fallsOf(values) {
  let peak = -Infinity;
  return values.map((value) => { peak = Math.max(peak, value); return peak > 0 ? (value / peak - 1) * 100 : 0; });
}

function heldFrom(price) {
  if (!price || !equity.values.length || !price.values[0]) return { at: [], values: [] };
  const units = equity.values[0] / price.values[0];
  return { at: price.at, values: price.values.map((value) => value * units) };
}

// ---------------------------------------------------------------- words and figures

const numbers = new Map();
function written(value, least = 0, most = 8) {
  const key = least + '/' + most;
  if (!numbers.has(key)) numbers.set(key, new Intl.NumberFormat('en-US', { minimumFractionDigits: least, maximumFractionDigits: most }));
  return numbers.get(key).format(value).replace('-', '\u2212');
}
// As many decimals for each symbol as its prices have, so that they stand one below the other.
const decimals = new Map();
for (const trip of trips) for (const price of [trip.entry, trip.exit]) {
  const places = (String(price ?? '').split('.')[1] || '').length;
  if (places > (decimals.get(trip.symbol) ?? 0)) decimals.set(trip.symbol, Math.min(places, 8));
}
const priced = (trip, value) => written(value, decimals.get(trip.symbol) ?? 0);
const money = (value) => (value > 0 ? '+' : '') + written(value, 2, 8);
const clock = (at) => new Date(at).toISOString().slice(0, 16).replace('T', ' ');
// Of daily bars nobody wants to read the hour.
const areDays = trips.every((trip) => trip.opened % DAY === 0 && (trip.closed ?? 0) % DAY === 0);
const moment = (at) => (areDays ? clock(at).slice(0, 10) : clock(at));
function lasting(ms) {
  for (const [step, name, rest, small] of [[DAY, 'd', HOUR, 'h'], [HOUR, 'h', MINUTE, 'min'], [MINUTE, 'min', 1e3, 's']]) {
    const more = Math.floor((ms % step) / rest);
    if (ms >= step) return Math.floor(ms / step) + '\u00a0' + name + (more ? ' ' + more + '\u00a0' + small : '');
  }
  return written(ms / 1e3, 0, 1) + '\u00a0s';
}

function make(name, attributes = {}, text) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}
function draw(parent, name, attributes, text) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return parent.appendChild(element);
}
