// Area over time with what it is judged by: the limits, the medians of both halves, the height that the later
// half must reach. Drawn by uPlot, which is fetched when the first chart is wanted.

import { share, when } from './words.js';

let plot = null, holder = null, library = null, shape = '', asked = 0;
let drawn = null; // {chart, tracks} of the latest drawing, for the hooks

function load() {
  library ??= new Promise((done, failed) => {
    const s = document.createElement('script');
    s.src = 'vendor/uPlot.iife.min.js';
    s.onload = () => done(window.uPlot);
    s.onerror = () => { library = null; failed(new Error('uPlot did not load')); };
    document.head.append(s);
    const style = document.createElement('link');
    style.rel = 'stylesheet';
    style.href = 'vendor/uPlot.min.css';
    document.head.append(style);
  });
  return library;
}

export function openChart(element) {
  plot?.destroy();
  plot = null;
  shape = '';
  holder = element;
  new ResizeObserver(() => plot?.setSize({ width: holder.clientWidth, height: 260 })).observe(element);
}

const tint = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** One x axis for all tracks: uPlot wants aligned columns. */
function columns(tracks) {
  const xs = [...new Set(tracks.flatMap((t) => t.points.map((p) => p[0])))].sort((a, b) => a - b);
  return [xs, ...tracks.map((t) => {
    const at = new Map(t.points);
    return xs.map((x) => at.get(x));
  })];
}

export async function drawChart(chart, tracks) {
  drawn = { chart, tracks };
  const mine = ++asked;
  if (tracks.length === 0) return;
  const uPlot = await load().catch(() => null);
  if (!uPlot || mine !== asked || !holder?.isConnected) return;
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const now = tracks.map((t) => t.id).join('\n') + dark;
  holder.setAttribute('role', 'img');
  holder.setAttribute('aria-label', 'Area of each object over time; the verdicts are below.');
  if (plot && shape === now) {
    plot.setData(columns(tracks));
    return;
  }
  plot?.destroy();
  shape = now;
  holder.replaceChildren();
  plot = new uPlot(options(tracks), columns(tracks), holder);
}

function options(tracks) {
  const axis = { stroke: tint('--muted'), font: '13px system-ui, sans-serif', grid: { stroke: tint('--line'), width: 1 }, ticks: { show: false } };
  return {
    width: holder.clientWidth, height: 260, legend: { show: false }, cursor: { drag: { x: false, y: false }, points: { size: 8 } },
    scales: {
      x: { time: true, range: () => [drawn.chart.at - drawn.chart.window, drawn.chart.at] },
      y: { range: (_u, _low, high) => [0, Math.max(high ?? 0, needed() ?? 0, drawn.chart.min_area * 2) * 1.15] },
    },
    axes: [{ ...axis, space: 90, values: (_u, ticks) => ticks.map((t) => when(t).slice(-8)) }, { ...axis, size: 62, values: (_u, ticks) => ticks.map(share) }],
    series: [{}, ...tracks.map((t, i) => ({ label: t.label, stroke: tint(`--series-${i % 4}`), width: 2, points: { show: true, size: 5 }, spanGaps: true }))],
    hooks: { draw: [marks] },
  };
}

const needed = () => {
  const heights = drawn.tracks.filter((t) => t.earlier > 0).map((t) => t.earlier * drawn.chart.ratio);
  return heights.length ? Math.max(...heights) : null;
};

/** The limits across the whole width, the medians over their halves, and for the first object, the one that
 *  matters most, in words and with the height that it must reach. */
function marks(u) {
  const { chart, tracks } = drawn, c = u.ctx, px = window.devicePixelRatio || 1;
  const { left, top, width, height } = u.bbox, right = left + width;
  const y = (v) => u.valToPos(v, 'y', true), x = (v) => Math.max(left, Math.min(right, u.valToPos(v, 'x', true)));
  const placed = []; // baselines of the labels: none is put upon another
  const rule = (v, from, to, colour, dash, label, wide = 1.5) => {
    const at = y(v);
    if (at < top - 1 || at > top + height + 1) return;
    c.setLineDash(dash.map((d) => d * px));
    c.strokeStyle = c.fillStyle = colour;
    c.lineWidth = wide * px;
    c.beginPath();
    c.moveTo(from, at);
    c.lineTo(to, at);
    c.stroke();
    if (!label) return;
    const size = c.measureText(label).width, start = Math.max(left, Math.min(from + 4 * px, right - size - 4 * px));
    let base = at - 5 * px;
    while (placed.some((p) => Math.abs(p.base - base) < 15 * px && start < p.end && p.start < start + size)) base -= 15 * px;
    if (base < top + 10 * px) return;
    placed.push({ base, start, end: start + size });
    c.fillText(label, start, base);
  };
  c.save();
  c.textAlign = 'left';
  c.textBaseline = 'alphabetic';
  c.font = `600 ${12 * px}px system-ui, sans-serif`;
  rule(chart.min_area, left, right, tint('--muted'), [2, 4], `smallest that counts ${share(chart.min_area)}`);
  rule(chart.max_area, left, right, tint('--muted'), [2, 4], `largest that counts ${share(chart.max_area)}`);
  tracks.slice(0, 2).forEach((t, i) => {
    if (!(t.earlier > 0) || t.points.length < 2) return;
    const half = Math.floor(t.points.length / 2), p = t.points, colour = tint(`--series-${i % 4}`);
    rule(t.earlier, x(p[0][0]), x(p[half - 1][0]), colour, [], i === 0 && `first half ${share(t.earlier)}`, 4);
    rule(t.later, x(p[p.length - half][0]), x(p.at(-1)[0]), colour, [], i === 0 && `last half ${share(t.later)}`, 4);
    if (i === 0) rule(t.earlier * chart.ratio, left, right, tint(t.later >= t.earlier * chart.ratio ? '--alarm-ink' : '--muted'), [7, 5], `grows from here, ×${chart.ratio}`);
  });
  c.restore();
}
