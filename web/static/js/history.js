// What happened: a timeline that zooms and a list that follows it.

import { $, h, icon, keyed, segments, show, text } from './dom.js';
import { read } from './api.js';
import { makeTimeline } from './timeline.js';
import { LANES, LANE_ICONS, eventName, eventText, laneOf, plain, when } from './words.js';

const MOST = 5000; // events kept in the page
const PAGE = 60; // rows shown at first, and more at each press
const EVERY = 4000; // ms between looks for new events
const SHORTEST = 10, LONGEST = 400 * 86400; // seconds shown
const SPANS = [[600, '10 min'], [3600, '1 h'], [86400, '24 h'], [7 * 86400, '7 days'], [0, 'All']];

let events = [], after = 0, span = 3600, end = 0, kind = 'all', word = '', shown = PAGE, asking = false;
let clockNow = () => Date.now() / 1000, timeline = null, spanButtons = [];

/** houseNow() is the house's clock, Unix seconds. */
export function openHistory(houseNow) {
  clockNow = houseNow;
  timeline = makeTimeline($('timeline'), move);
  spanButtons = segments($('spans'), SPANS, span, (s) => { span = s || all(); end = 0; paint(); });
  const step = (f) => () => { const [a, b] = range(); f(a, b, b - a); };
  const button = (label, words, f) => h('button', { type: 'button', 'aria-label': words, title: words, onclick: step(f) }, label);
  $('moves').replaceChildren(button('◀', 'Earlier', (a, b, w) => move(a - w / 2, b - w / 2)), button('−', 'Zoom out', (a, b, w) => move(a - w / 2, b + w / 2)),
    button('+', 'Zoom in', (a, b, w) => move(a + w / 4, b - w / 4)), button('▶', 'Later', (a, b, w) => move(a + w / 2, b + w / 2)), button('Now', 'Back to now', () => { end = 0; paint(); }));
  segments($('ev-kinds'), [['all', 'All'], ...Object.entries(LANES)], kind, (k) => { kind = k; shown = PAGE; paint(); });
  $('ev-filter').addEventListener('input', () => { word = $('ev-filter').value.trim().toLowerCase(); shown = PAGE; paint(); });
  $('events-more').addEventListener('click', () => { shown += PAGE; paint(); });
  new ResizeObserver(() => paint()).observe($('timeline'));
  setInterval(() => { if (!document.hidden) refresh(); }, EVERY);
}

const all = () => Math.max(600, clockNow() - (events[0]?.timestamp ?? clockNow()) + 60);
const range = () => { const to = end || clockNow() + span * 0.01; return [to - span, to]; };

function move(from, to) {
  span = Math.max(SHORTEST, Math.min(LONGEST, to - from));
  end = to >= clockNow() && to - from < LONGEST ? 0 : to;
  for (const b of spanButtons) b.setAttribute('aria-pressed', 'false');
  paint();
}

/** Fetches what is new. */
export async function refresh() {
  if (asking) return;
  asking = true;
  try {
    const found = await read(after ? `api/events?limit=1000&after=${after}` : 'api/events?limit=1000&newest=1');
    const fresh = found.events ?? [];
    after = found.last || after;
    const known = new Set(events.map(id));
    events = [...events, ...fresh.filter((e) => !known.has(id(e))).map((e) => ({ ...e, lane: laneOf(e) }))]
      .sort((a, b) => a.timestamp - b.timestamp).slice(-MOST);
    paint();
  } catch {
    // the first line of the page says that the house does not answer
  } finally {
    asking = false;
  }
}

const id = (e) => `${e.boot} ${e.seq}`;

/** Draws anew: at each second as time goes on, after each change. */
export function paint() {
  const [from, to] = range();
  timeline.draw(events, from, to, clockNow());
  text($('span-text'), `${when(from)} – ${end ? when(to) : 'now'}`);
  const fits = events.filter((e) => e.timestamp >= from && e.timestamp <= to && (kind === 'all' || e.lane === kind) &&
    (!word || `${e.action} ${plain(e.action)} ${e.reason ?? ''} ${JSON.stringify(e.details ?? {})}`.toLowerCase().includes(word))).reverse();
  keyed($('events'), fits.slice(0, shown), id, make);
  show($('events-more'), fits.length > shown);
  show($('events-none'), fits.length === 0);
  text($('events-none'), events.length ? 'No event fits in this span of time.' : 'Nothing has happened yet.');
}

function make(e) {
  const d = e.details ?? {}, by = d.by || d.source;
  return h('li', { 'data-lane': e.lane }, icon(LANE_ICONS[e.lane]), h('time', { datetime: new Date(e.timestamp * 1000).toISOString() }, when(e.timestamp)),
    h('span', { class: 'action' }, eventName(e)), h('span', { class: 'text' }, eventText(e)), h('span', { class: 'by' }, by ? `by ${by}` : ''),
    h('code', {}, e.system_state?.state ?? ''));
}
