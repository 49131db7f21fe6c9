// The list of round trips, the tools around it, and the start of it all.

// ---------------------------------------------------------------- the list

const list = { page: 0, by: 'number', rising: true, rows: trips };
const columns = [
  ['number', '#', (trip) => String(trip.number)], ['symbol', 'Symbol', (trip) => trip.symbol], ['side', 'Side', (trip) => trip.side],
  ['net', 'Net P&L', (trip) => money(trip.net)],
  ['quantity', 'Quantity', (trip) => written(trip.quantity)], ['opened', 'Opened (UTC)', (trip) => moment(trip.opened)],
  ['closed', 'Closed (UTC)', (trip) => (trip.closed === null ? 'still open' : moment(trip.closed))],
  ['entry', 'Entry', (trip) => priced(trip, trip.entry)], ['exit', 'Exit', (trip) => (trip.exit === null ? '—' : priced(trip, trip.exit))],
  ['fees', 'Fees', (trip) => written(trip.fees, 2)],
  ['swaps', 'Swaps', (trip) => written(trip.swaps, 2)], ['held', 'Held', (trip) => (trip.held === null ? '—' : lasting(trip.held))],
  ['strategy', 'Strategy', (trip) => trip.strategy], ['reason', 'Ended by', (trip) => trip.reason], ['comment', 'Comment', (trip) => trip.comment],
].filter(([key]) => !['swaps', 'strategy', 'comment'].includes(key) || trips.some((trip) => trip[key]));
const textual = new Set(['symbol', 'side', 'strategy', 'reason', 'comment', 'opened', 'closed']);

function relist() {
  const words = byId('filter-words').value.trim().toLowerCase(), side = byId('filter-side').value, result = byId('filter-result').value;
  list.rows = trips.filter((trip) => (!side || trip.side === side)
    && (!result || (trip.closed === null ? 'open' : trip.net > 0 ? 'won' : trip.net < 0 ? 'lost' : 'even') === result)
    && (!words || [trip.symbol, trip.strategy, trip.reason, trip.comment, '#' + trip.number, clock(trip.opened)].some((text) => text.toLowerCase().includes(words))));
  const sign = list.rising ? 1 : -1, key = list.by;
  list.rows.sort((a, b) => sign * (a[key] === b[key] ? a.row - b.row : a[key] === null ? 1 : b[key] === null ? -1 : a[key] < b[key] ? -1 : 1));
  list.page = 0;
  showList();
}
function showList() {
  const table = make('table', { class: 'trips' }), head = make('tr'), body = make('tbody');
  table.append(make('caption', { class: 'unseen' }, 'Round trips; the headings sort, the numbers show one on the chart'));
  for (const [key, label] of columns) {
    const sorted = list.by === key, cell = make('th', { scope: 'col', class: textual.has(key) ? '' : 'number', 'aria-sort': sorted ? (list.rising ? 'ascending' : 'descending') : 'none' });
    const button = make('button', { type: 'button' }, label + (sorted ? (list.rising ? ' ▲' : ' ▼') : ''));
    button.addEventListener('click', () => { list.rising = sorted ? !list.rising : textual.has(key) || key === 'number'; list.by = key; relist(); refocus(key); });
    button.dataset.key = key;
    cell.append(button);
    head.append(cell);
  }
  const from = list.page * PAGE_ROWS;
  for (const trip of list.rows.slice(from, from + PAGE_ROWS)) body.append(rowOf(trip));
  if (!list.rows.length) body.append(make('tr')), body.lastChild.append(make('td', { colspan: String(columns.length), class: 'empty' }, trips.length ? 'No round trip matches.' : 'The run made no round trip.'));
  const top = make('thead');
  top.append(head);
  table.append(top, body);
  byId('trip-table').replaceChildren(table);
  showPager(from);
}
function refocus(key) {
  byId('trip-table').querySelector(`button[data-key="${key}"]`)?.focus();
}
function rowOf(trip) {
  const row = make('tr', trip === shown.chosen ? { class: 'chosen-row' } : {});
  for (const [key, , text] of columns) {
    const tone = key === 'net' ? (trip.net > 0 ? ' gain' : trip.net < 0 ? ' loss' : '') : '';
    const cell = make('td', { class: (textual.has(key) ? '' : 'number') + tone }, key === 'number' ? '' : text(trip));
    if (key === 'number') {
      const button = make('button', { type: 'button', title: 'position ' + trip.id, 'aria-label': `Show round trip ${trip.number} on the chart` }, text(trip));
      button.addEventListener('click', () => choose(trip, true));
      cell.append(button);
    }
    row.append(cell);
  }
  return row;
}
function showPager(from) {
  const pages = Math.ceil(list.rows.length / PAGE_ROWS), pager = byId('trip-pager');
  const turn = (label, step) => {
    const button = make('button', { type: 'button' }, label);
    button.disabled = list.page + step < 0 || list.page + step >= pages;
    button.addEventListener('click', () => { list.page += step; showList(); [...pager.querySelectorAll('button')].find((each) => each.textContent === label && !each.disabled)?.focus(); });
    return button;
  };
  const total = list.rows.reduce((sum, trip) => sum + trip.net, 0);
  const words = list.rows.length ? `${written(from + 1)} to ${written(Math.min(from + PAGE_ROWS, list.rows.length))} of ${written(list.rows.length)}, together ${money(Math.round(total * 1e8) / 1e8)} ${given.currency}` : '';
  pager.replaceChildren(...(pages > 1 ? [turn('Back', -1), turn('Next', 1)] : []), make('span', { role: 'status' }, words));
}
function choose(trip, fromList) {
  shown.chosen = trip;
  shown.symbol = trip.symbol;
  if (byId('price-symbol')) byId('price-symbol').value = trip.symbol;
  const last = trip.closed ?? all.to, pad = Math.max((last - trip.opened) * 1.5, WINDOW_MIN / 2, (all.to - all.from) / 200);
  if (fromList) look(trip.opened - pad, last + pad);
  else redraw();
  if (!list.rows.includes(trip)) { for (const id of ['filter-words', 'filter-side', 'filter-result']) byId(id).value = ''; relist(); }
  list.page = Math.floor(list.rows.indexOf(trip) / PAGE_ROWS);
  showList();
  if (fromList) byId('price-chart').scrollIntoView({ block: 'center' });
}

// ---------------------------------------------------------------- what stands around it

function tools() {
  const windows = [['All', null], ['1 y', YEAR], ['3 m', YEAR / 4], ['1 m', YEAR / 12], ['1 w', 7 * DAY], ['1 d', DAY]];
  for (const [label, span] of windows.filter(([, span]) => span === null || span < all.to - all.from)) {
    const button = make('button', { type: 'button', 'aria-label': span === null ? 'Show all' : 'Show ' + label }, label);
    button.addEventListener('click', () => (span === null ? look(all.from, all.to) : look(shown.to - span, shown.to)));
    byId('window-tools').append(button);
  }
  for (const [label, name, wish] of [['◀', 'Earlier', [1, -0.5]], ['▶', 'Later', [1, 0.5]], ['+', 'Look closer', [0.5]], ['−', 'Look wider', [2]]]) {
    const button = make('button', { type: 'button', 'aria-label': name }, label);
    button.addEventListener('click', () => nearer(...wish));
    byId('window-tools').append(button);
  }
  if (hold.at.length) {
    const box = make('input', { type: 'checkbox', id: 'with-hold' }), label = make('label', {}, 'Buy and hold');
    box.checked = true;
    box.addEventListener('change', () => { shown.holds = box.checked; redraw(); });
    label.prepend(box);
    byId('window-tools').prepend(label);
  }
  if (given.symbols.length > 1) {
    const select = picker('price-symbol', 'Symbol', given.symbols.map((symbol) => [symbol, symbol]));
    select.addEventListener('change', () => { shown.symbol = select.value; redraw(); });
    byId('price-tools').append(select);
  }
  const words = make('input', { id: 'filter-words', type: 'search', placeholder: 'Find', 'aria-label': 'Find in symbols, strategies, reasons and dates' });
  const side = picker('filter-side', 'Side', [['', 'Both sides'], ['long', 'Long'], ['short', 'Short']]);
  const result = picker('filter-result', 'Result', [['', 'All results'], ['won', 'Won'], ['lost', 'Lost'], ['even', 'Even'], ['open', 'Still open']]);
  byId('trip-tools').append(words, side, result);
  for (const field of [words, side, result]) field.addEventListener('input', relist);
}
function picker(id, label, choices) {
  const select = make('select', { id, 'aria-label': label });
  for (const [value, text] of choices) select.append(make('option', { value }, text));
  return select;
}
function tips() {
  const tip = byId('tip');
  const hide = () => { tip.hidden = true; document.querySelector('[aria-describedby="tip"]')?.removeAttribute('aria-describedby'); };
  const show = (event) => {
    const named = event.target.closest?.('[data-tip]');
    if (!named) return;
    hide();
    tip.textContent = named.dataset.tip;
    tip.hidden = false;
    named.setAttribute('aria-describedby', 'tip');
    const box = named.getBoundingClientRect();
    tip.style.left = Math.max(12, Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 12)) + window.scrollX + 'px';
    tip.style.top = box.bottom + 6 + window.scrollY + 'px';
  };
  document.addEventListener('pointerover', (event) => (event.target.closest?.('[data-tip], #tip') ? show(event) : hide()));
  document.addEventListener('focusin', show);
  document.addEventListener('focusout', hide);
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') hide(); });
}

for (const section of document.querySelectorAll('.scripted')) section.hidden = false;
tools();
tips();
new Chart(byId('equity-chart'), { height: 280, label: 'Equity against buy and hold', paint: paintEquity, read: readEquity, withTimes: false });
new Chart(byId('drawdown-chart'), { height: 120, label: 'Drawdown in percent', paint: paintDrawdown });
new Chart(byId('price-chart'), { height: 340, label: 'Price with round trips', paint: paintPrice, read: readPrice });
relist();
redraw();
let width = byId('equity-chart').clientWidth;
new ResizeObserver(() => {
  if (byId('equity-chart').clientWidth !== width) { width = byId('equity-chart').clientWidth; redraw(); }
}).observe(byId('equity-chart'));
