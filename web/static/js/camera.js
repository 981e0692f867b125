// One camera: what is known of it, its picture, what it measured and how that is judged.

import { $, attr, facts, h, icon, keyed, setIcon, show, text } from './dom.js';
import { Failed, read } from './api.js';
import { poor, standing } from './cameras.js';
import { drawChart, openChart } from './chart.js';
import { clock, seconds, share, when } from './words.js';

const CHART_EVERY = 2000, PICTURE_EVERY = 5000; // ms

let name = '', parts = null, timer = 0, pictured = 0, generation = 0, latest = null;

/** Shows a camera; the next overview fills it. */
export function showCamera(wanted, overview, byHand) {
  name = wanted;
  latest = overview;
  clearInterval(timer);
  generation++;
  pictured = 0;
  build();
  paintCamera(overview, overview?.at ?? 0);
  refresh();
  timer = setInterval(refresh, CHART_EVERY);
  if (byHand && matchMedia('(max-width: 47.99rem)').matches) {
    $('cam-detail').focus({ preventScroll: true });
    $('cam-detail').scrollIntoView({ block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  }
}

function build() {
  const picture = h('img', { alt: '', hidden: true });
  parts = {
    sign: h('p', { class: 'cam-say' }, icon('camera'), h('span')), title: h('h3'), picture,
    none: h('p', { class: 'calm', hidden: true }, 'No picture: the NVR gives none.'), facts: h('dl', { class: 'figures' }),
    plot: h('div', { class: 'plot' }), verdicts: h('ul', { class: 'verdicts' }), note: h('p', { class: 'calm' }, 'Asking …'),
  };
  picture.addEventListener('load', () => { show(picture, true); show(parts.none, false); });
  picture.addEventListener('error', () => { show(picture, false); show(parts.none, true); });
  $('cam-detail').replaceChildren(
    parts.title, parts.sign, h('figure', {}, picture, parts.none),
    h('h4', {}, 'Area over time'), parts.note, parts.plot, parts.verdicts, parts.facts);
  openChart(parts.plot);
}

export function paintCamera(o, now) {
  latest = o;
  if (!name || !o) return;
  const c = o.cameras.find((x) => x.name === name);
  text(parts.title, c?.title || name);
  if (!c) {
    text(parts.sign.lastChild, 'no longer known');
    return;
  }
  const [sign, , words, severity] = standing(c);
  attr($('cam-detail'), 'data-severity', severity);
  setIcon(parts.sign, sign);
  text(parts.sign.lastChild, words);
  facts(parts.facts, [
    ['Vote', c.online ? 'has a vote' : 'none: not heard of', c.online ? null : 'supervisory'], ['Pictures', poor(c) ? c.problem || 'not good' : c.found ? 'good' : 'nobody has looked', poor(c) ? 'trouble' : null],
    ['Last heard', c.last_heard > 0 ? `${seconds(now - c.last_heard)} ago` : 'never'], ['Name', c.title ? c.name : null], ['IP', c.ip], ['MAC', c.mac],
  ]);
  attr(parts.picture, 'alt', `Latest picture of ${c.title || name}`);
  if (!o.nvr.api) {
    show(parts.picture, false);
    show(parts.none, true);
  }
}

async function refresh() {
  if (document.hidden || !name) return;
  const mine = generation, of = `api/cameras/${encodeURIComponent(name)}`;
  if (latest?.nvr.api && performance.now() - pictured > PICTURE_EVERY) {
    pictured = performance.now();
    parts.picture.src = `${of}/snapshot?t=${Math.round(pictured)}`;
  }
  try {
    const chart = await read(`${of}/chart`);
    if (mine === generation) paintChart(chart);
  } catch (err) {
    if (mine !== generation) return;
    show(parts.note, true);
    text(parts.note, err instanceof Failed && err.status === 404 ? 'It has measured nothing yet.' : `No figures: ${err.message}.`);
  }
}

const rank = (t) => (t.growing ? 0 : t.steady ? 1 : 2);

function paintChart(chart) {
  const seen = (chart.objects ?? []).filter((t) => t.points?.length).sort((a, b) => rank(a) - rank(b));
  show(parts.note, seen.length === 0);
  text(parts.note, `Nothing that looks like fire in the last ${seconds(chart.window)}.`);
  show(parts.plot, seen.length > 0);
  drawChart(chart, seen);
  keyed(parts.verdicts, seen, (t) => t.id, () => h('li', {}, h('span', { class: 'swatch', 'aria-hidden': 'true' }), h('span')), (el, t) => {
    attr(el, 'data-growing', t.growing || t.steady);
    attr(el.firstChild, 'data-colour', seen.indexOf(t) % 4);
    text(el.lastChild, verdict(chart, t));
  });
}

/** The verdict on one object in words. Pure. */
export function verdict(chart, t) {
  const what = `${t.label} ${t.id}`.trim();
  if (!(t.earlier > 0)) return `${what}: too few samples to judge (${t.points.length}).`;
  const ratio = t.later / t.earlier;
  const figures = `median ${share(t.earlier)} → ${share(t.later)} of the frame, ×${ratio.toFixed(2)} of ×${chart.ratio.toFixed(2)} needed`;
  if (t.growing) return `${what}: grows. ${figures}${t.growing_since > 0 ? `, since ${when(t.growing_since)}` : ''}.`;
  if (t.steady) return `${what}: a fire that holds its size. ${figures}.`;
  if (t.growing_since > 0) return `${what}: seems to grow, for ${clock(chart.at - t.growing_since)} of ${clock(chart.hold)} needed. ${figures}.`;
  return `${what}: does not grow. ${figures}.`;
}
