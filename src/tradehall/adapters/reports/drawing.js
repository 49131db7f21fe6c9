// The three charts and what is read from them.

// ---------------------------------------------------------------- the three charts

function paintEquity(chart) {
  const own = inWindow(equity), held = shown.holds ? inWindow(hold) : { at: [], values: [] };
  chart.scale([...own.values, ...held.values]);
  chart.line(held, 'hold');
  chart.line(own, 'equity', { name: 'equity-area', y: chart.bottom });
  halted(chart);
}
function readEquity(at) {
  const when = at === null ? shown.to : at, own = valueAt(equity, when), held = valueAt(hold, when);
  const parts = [[at === null ? '' : 'At', at === null ? shownPeriod() : clock(at)]];
  if (own !== undefined) parts.push(['Equity', written(own, 2, 2) + ' ' + given.currency, 'own'], ['Drawdown', written(valueAt(drawdown, when), 2, 2) + '\u202f%']);
  if (held !== undefined && shown.holds) parts.push(['Buy and hold ' + given.symbols[0], written(held, 2, 2), 'held']);
  tell(byId('equity-readout'), parts);
}
function paintDrawdown(chart) {
  const own = inWindow(drawdown);
  chart.scale([...own.values, 0], '\u202f%', 0);
  chart.line(own, 'drawdown-line', { name: 'drawdown', y: chart.y(0) });
}
function halted(chart) {
  if (given.halted === null || given.halted < shown.from || given.halted > shown.to) return;
  const x = chart.x(given.halted);
  draw(chart.svg, 'line', { class: 'halt', x1: x, x2: x, y1: chart.top, y2: chart.bottom });
  draw(chart.svg, 'text', { class: 'axis', x: x - 6, y: chart.top + 10, 'text-anchor': 'end' }, 'the run ended here');
}

function tripsShown() {
  return trips.filter((trip) => trip.symbol === shown.symbol && trip.opened <= shown.to && (trip.closed ?? all.to) >= shown.from);
}
function paintPrice(chart) {
  const price = inWindow(prices.get(shown.symbol) || { at: [], values: [] }), there = tripsShown();
  const marks = there.flatMap((trip) => [[trip.opened, trip.entry], [trip.closed, trip.exit]]);
  chart.scale([...price.values, ...marks.filter(([at, value]) => value !== null && at >= shown.from && at <= shown.to).map(([, value]) => value)]);
  const chosen = shown.chosen;
  if (chosen && chosen.symbol === shown.symbol) {
    const from = chart.x(chosen.opened), to = chart.x(chosen.closed ?? all.to);
    chart.clipped(draw(chart.svg, 'rect', { class: 'chosen', x: from - 3, width: Math.max(6, to - from + 6), y: chart.top, height: chart.bottom - chart.top }));
  }
  chart.line(price, 'price');
  const size = there.length > MARKED_MAX / 3 ? 0.7 : 1;
  if (there.length <= MARKED_MAX) there.forEach((trip) => paintTrip(chart, trip, size));
  else paintDots(chart, there);
  halted(chart);
}
const outcome = (trip) => (trip.closed === null ? 'open' : trip.net > 0 ? 'won' : 'lost');
function paintTrip(chart, trip, size) {
  const x = chart.x(trip.opened), y = chart.y(trip.entry), up = trip.side === 'long' ? 1 : -1, marks = [];
  if (trip.exit !== null) {
    const last = [chart.x(trip.closed ?? all.to), chart.y(trip.exit)];
    chart.clipped(draw(chart.svg, 'path', { class: 'trip ' + outcome(trip), d: `M${x} ${y}L${last[0]} ${last[1]}` }));
    if (trip.closed !== null) marks.push(draw(chart.svg, 'circle', { class: 'mark ' + outcome(trip), cx: last[0], cy: last[1], r: 4.5 * size }));
  }
  marks.push(draw(chart.svg, 'path', { class: 'mark ' + outcome(trip), d: `M${x} ${y}l${-6 * size} ${up * 10 * size}h${12 * size}Z` }));
  for (const mark of marks) {
    chart.clipped(mark);
    draw(mark, 'title', {}, `#${trip.number} ${trip.side} ${written(trip.quantity)} ${trip.symbol}: ${money(trip.net)} ${given.currency}`);
    mark.addEventListener('click', () => choose(trip, false));
  }
}
function paintDots(chart, there) {
  for (const result of ['won', 'lost']) {
    const dots = there.filter((trip) => outcome(trip) === result && trip.exit !== null && trip.closed !== null);
    const d = dots.map((trip) => `M${chart.x(trip.closed).toFixed(1)} ${chart.y(trip.exit).toFixed(1)}h0`).join('');
    if (d) chart.clipped(draw(chart.svg, 'path', { class: 'dots ' + result, d }));
  }
}
function readPrice(at) {
  const price = prices.get(shown.symbol), there = tripsShown().length, parts = [];
  if (at !== null) parts.push(['At', clock(at)]);
  const value = price && valueAt(price, at ?? shown.to);
  if (value !== undefined) parts.push([shown.symbol, written(value)]);
  if (!price) parts.push([shown.symbol, 'no price line was kept']);
  parts.push(['Round trips in this window', written(there) + (there > MARKED_MAX ? ', drawn as dots at their exits: look closer to tell them apart' : '')]);
  if (shown.chosen) parts.push(['Chosen', `#${shown.chosen.number} ${shown.chosen.side}, ${money(shown.chosen.net)} ${given.currency}`]);
  tell(byId('price-readout'), parts);
}
