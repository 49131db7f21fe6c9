// A chart: its scales, its window of time, the pointer and the keys.

// ---------------------------------------------------------------- scales

/** First place whose instant is not before `at`. */
function place(times, at) {
  let low = 0, high = times.length;
  while (low < high) { const middle = (low + high) >> 1; if (times[middle] < at) low = middle + 1; else high = middle; }
  return low;
}
/** Value of the last point that is not after `at`. */
function valueAt(series, at) {
  const next = place(series.at, at + 1);
  return next ? series.values[next - 1] : undefined;
}
/** The points inside the window, and one more on either side so that lines reach its edges. */
function inWindow(series) {
  const from = Math.max(0, place(series.at, shown.from) - 1), to = place(series.at, shown.to) + 1;
  return { at: series.at.slice(from, to), values: series.values.slice(from, to) };
}
function stepOf(span, count) {
  const raw = span / count, power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => step >= raw * 0.999);
}
function timeTicks(from, to, count) {
  const span = to - from, ticks = [];
  const step = [MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY]
    .find((each) => span / each <= count);
  if (step) {
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      const text = new Date(at).toUTCString();
      ticks.push([at, step < DAY && at % DAY ? text.slice(17, 22) : text.slice(5, 11)]);
    }
    return ticks;
  }
  const months = [1, 3, 6, 12, 24, 60, 120].find((each) => span / (each * YEAR / 12) <= count) || 240;
  const first = new Date(from);
  for (let month = Math.ceil((first.getUTCFullYear() * 12 + first.getUTCMonth()) / months) * months; ; month += months) {
    const at = Date.UTC(Math.floor(month / 12), month % 12, 1);
    if (at > to) return ticks;
    if (at >= from) ticks.push([at, new Date(at).toUTCString().slice(months < 12 ? 8 : 12, 16)]);
  }
}

// ---------------------------------------------------------------- a chart

class Chart {
  constructor(host, { height, label, paint, read, withTimes = true }) {
    Object.assign(this, { host, height, paint, read, withTimes });
    host.setAttribute('role', 'application');
    host.setAttribute('tabindex', '0');
    host.setAttribute('aria-label', label + '. Plus and minus look closer and wider, arrow keys move, 0 shows all.');
    host.addEventListener('pointermove', (event) => this.pointed(event));
    host.addEventListener('pointerleave', () => point(null));
    host.addEventListener('pointerdown', (event) => this.pressed(event));
    host.addEventListener('dblclick', () => look(all.from, all.to));
    host.addEventListener('keydown', keyed);
    charts.push(this);
  }
  redraw() {
    const width = Math.max(260, this.host.clientWidth), bottom = this.withTimes ? 22 : 6;
    const svg = document.createElementNS(NS, 'svg');
    svg.setAttribute('viewBox', `0 0 ${width} ${this.height}`);
    svg.setAttribute('aria-hidden', 'true');
    Object.assign(this, { svg, width, left: 4, right: width - 66, top: 10, bottom: this.height - bottom });
    for (const [at, text] of timeTicks(shown.from, shown.to, (this.right - this.left) / 80)) {
      const x = this.x(at);
      draw(svg, 'line', { class: 'grid', x1: x, x2: x, y1: this.top, y2: this.bottom });
      if (this.withTimes && x > 16 && x < this.right - 12) draw(svg, 'text', { class: 'axis', x, y: this.height - 6, 'text-anchor': 'middle' }, text);
    }
    this.paint(this);
    this.cross = draw(svg, 'line', { class: 'cross', y1: this.top, y2: this.bottom, visibility: 'hidden' });
    this.host.replaceChildren(svg);
  }
  x(at) { return this.left + (at - shown.from) / (shown.to - shown.from) * (this.right - this.left); }
  time(event) {
    const box = this.host.getBoundingClientRect(), x = (event.clientX - box.left) * this.width / box.width;
    return shown.from + Math.min(1, Math.max(0, (x - this.left) / (this.right - this.left))) * (shown.to - shown.from);
  }
  scale(values, suffix = '', ceiling = Infinity) {
    let low = Infinity, high = -Infinity;
    for (const value of values) if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
    if (low > high) { low = 0; high = 1; }
    const pad = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
    low -= pad; high = Math.min(high + pad, Math.max(ceiling, low + pad));
    this.y = (value) => this.bottom - (value - low) / (high - low) * (this.bottom - this.top);
    const step = stepOf(high - low, this.height / 60), places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (step / 10 ** Math.floor(Math.log10(step)) === 2.5 ? 1 : 0));
    for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) {
      const y = this.y(tick);
      draw(this.svg, 'line', { class: 'grid', x1: this.left, x2: this.right, y1: y, y2: y });
      draw(this.svg, 'text', { class: 'axis', x: this.right + 6, y: y + 4 }, written(Math.abs(tick) < step / 1e6 ? 0 : tick, places, places) + suffix);
    }
  }
  line(series, name, floor) {
    const steps = [];
    series.at.forEach((at, row) => {
      if (series.values[row] !== null) steps.push((steps.length ? 'L' : 'M') + this.x(at).toFixed(1) + ' ' + this.y(series.values[row]).toFixed(1));
    });
    if (!steps.length) return;
    const path = steps.join(''), ends = [series.at[0], series.at[series.at.length - 1]].map((at) => this.x(at).toFixed(1));
    if (floor) this.clipped(draw(this.svg, 'path', { class: floor.name, d: `${path}L${ends[1]} ${floor.y}L${ends[0]} ${floor.y}Z` }));
    this.clipped(draw(this.svg, 'path', { class: name, d: path }));
  }
  /** Nothing is drawn over the axis: what is outside of the window lies behind this edge. */
  clipped(element) {
    if (!this.svg.querySelector('clipPath')) {
      const clip = draw(this.svg, 'clipPath', { id: 'clip-' + this.host.id });
      draw(clip, 'rect', { x: this.left, y: 0, width: this.right - this.left, height: this.height });
    }
    element.setAttribute('clip-path', `url(#clip-${this.host.id})`);
    return element;
  }
  pointed(event) {
    if (this.pressedAt === undefined) return point(this.time(event));
    const [from, to] = [this.pressedAt, this.time(event)].sort((a, b) => a - b);
    this.selection = this.selection || draw(this.svg, 'rect', { class: 'selection', y: this.top, height: this.bottom - this.top });
    this.selection.setAttribute('x', this.x(from));
    this.selection.setAttribute('width', this.x(to) - this.x(from));
  }
  pressed(event) {
    if (event.button || event.target.classList.contains('mark')) return;
    this.pressedAt = this.time(event);
    const done = (last) => {
      window.removeEventListener('pointerup', done);
      window.removeEventListener('pointercancel', done);
      const [from, to] = [this.pressedAt, this.time(last)].sort((a, b) => a - b);
      const wide = this.x(to) - this.x(from) > 8 && last.type === 'pointerup';
      this.pressedAt = undefined;
      if (this.selection) this.selection.remove();
      this.selection = undefined;
      if (wide) look(from, to);
    };
    window.addEventListener('pointerup', done);
    window.addEventListener('pointercancel', done);
  }
}

// ---------------------------------------------------------------- the window and the pointer

const charts = [];
function look(from, to) {
  const span = Math.min(Math.max(to - from, WINDOW_MIN), all.to - all.from);
  const start = Math.min(Math.max((from + to - span) / 2, all.from), all.to - span);
  Object.assign(shown, { from: start, to: start + span });
  redraw();
}
function nearer(factor, move = 0) {
  const span = shown.to - shown.from, middle = (shown.from + shown.to) / 2 + move * span;
  look(middle - span * factor / 2, middle + span * factor / 2);
}
function keyed(event) {
  const wishes = {
    '+': [0.5], '=': [0.5], '-': [2], '_': [2], ArrowLeft: [1, -0.25], ArrowRight: [1, 0.25], 0: [1e9], Home: [1e9],
  };
  const wish = event.ctrlKey || event.metaKey || event.altKey ? undefined : wishes[event.key];
  if (wish) { event.preventDefault(); nearer(...wish); }
}
function point(at) {
  for (const chart of charts) {
    chart.cross.setAttribute('visibility', at === null ? 'hidden' : 'visible');
    if (at !== null) { chart.cross.setAttribute('x1', chart.x(at)); chart.cross.setAttribute('x2', chart.x(at)); }
    chart.read?.(at);
  }
}
function redraw() {
  for (const chart of charts) chart.redraw();
  point(null);
}
function tell(host, parts) {
  host.replaceChildren(...parts.map(([label, value, key]) => {
    const part = make('span');
    if (key) part.append(make('i', { class: 'key-line ' + key }));
    part.append(label + ' ', make('b', {}, value));
    return part;
  }));
}
const shownPeriod = () => clock(shown.from) + ' to ' + clock(shown.to) + ' UTC';
