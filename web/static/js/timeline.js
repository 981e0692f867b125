// The history as lanes over time: what the pump was doing as bars, everything else as marks. Zoomed by button,
// drag and ctrl-wheel; the list below it is the same in words.

import { attr, svg } from './dom.js';
import { LANES, STATES, when } from './words.js';

const LANE = 30, LEFT = 84, AXIS = 26, BUCKET = 9; // px
const BARS = { PRIMING: 'start', STARTING: 'start', RUNNING: 'run', REDUCING_RPM: 'run', STOPPING: 'stop', REFILLING: 'refill', COOLDOWN: 'rest', LOW_PRESSURE: 'bad', ERROR: 'bad' };
const STEPS = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 7 * 86400, 30 * 86400];

/** Draws into holder; moved(from, to) is called when the hand moves the time shown. */
export function makeTimeline(holder, moved) {
  let span = [0, 1], width = 600;
  const root = svg('svg', { role: 'img' });
  holder.replaceChildren(root);

  const timeAt = (px) => span[0] + (px - LEFT) / (width - LEFT) * (span[1] - span[0]);
  holder.addEventListener('wheel', (e) => {
    if (!e.ctrlKey) return;
    e.preventDefault();
    const at = timeAt(e.clientX - holder.getBoundingClientRect().left), f = Math.exp(e.deltaY / 400);
    moved(at - (at - span[0]) * f, at + (span[1] - at) * f);
  }, { passive: false });
  let grip = null;
  root.addEventListener('pointerdown', (e) => {
    grip = { x: e.clientX, span: [...span] };
    root.setPointerCapture(e.pointerId);
  });
  root.addEventListener('pointermove', (e) => {
    if (!grip) return;
    const by = (grip.x - e.clientX) / (width - LEFT) * (grip.span[1] - grip.span[0]);
    moved(grip.span[0] + by, grip.span[1] + by);
  });
  for (const end of ['pointerup', 'pointercancel']) root.addEventListener(end, () => { grip = null; });

  /** events: oldest first, each with .lane; from and to in Unix seconds. */
  function draw(events, from, to, now) {
    span = [from, to];
    width = Math.max(260, holder.clientWidth);
    const lanes = Object.keys(LANES), height = lanes.length * LANE + AXIS, x = (t) => LEFT + (t - from) / (to - from) * (width - LEFT);
    attr(root, 'viewBox', `0 0 ${width} ${height}`);
    attr(root, 'width', width);
    attr(root, 'height', height);
    const out = [];
    lanes.forEach((lane, i) => {
      out.push(svg('rect', { class: 'lane', x: LEFT, y: i * LANE + 2, width: width - LEFT, height: LANE - 4, rx: 4 }),
        svg('text', { class: 'lane-name', x: 0, y: i * LANE + LANE / 2 + 5 }, LANES[lane]));
    });
    ticks(out, from, to, x, height);
    bars(out, events, from, to, now, x, lanes.indexOf('pump') * LANE);
    for (const [i, lane] of lanes.entries()) if (lane !== 'pump') marks(out, events, lane, from, to, x, i * LANE + LANE / 2);
    root.replaceChildren(...out);
    const inside = events.filter((e) => e.timestamp >= from && e.timestamp <= to).length;
    attr(root, 'aria-label', `${inside} events from ${when(from, true)} to ${when(to, true)}; the list below has them.`);
  }

  function ticks(out, from, to, x, height) {
    const step = STEPS.find((s) => (width - LEFT) / ((to - from) / s) > 92) ?? STEPS.at(-1);
    const zone = new Date(from * 1000).getTimezoneOffset() * 60; // whole local hours and days
    for (let t = Math.ceil((from - zone) / step) * step + zone; t <= to; t += step) {
      const at = x(t), d = when(t, true);
      if (at < LEFT + 20 || at > width - 30) continue;
      out.push(svg('line', { class: 'tick', x1: at, x2: at, y1: 0, y2: height - AXIS }),
        svg('text', { class: 'tick-name', x: at, y: height - 7 }, step >= 86400 ? d.slice(5, 10) : step < 60 ? d.slice(11) : d.slice(11, 16)));
    }
  }

  return { draw };
}

/** What the pump was doing: each event carries the state that it left. */
function bars(out, events, from, to, now, x, y) {
  for (let i = 0; i < events.length; i++) {
    const state = events[i].system_state?.state;
    const from1 = events[i].timestamp;
    while (i + 1 < events.length && events[i + 1].system_state?.state === state) i++;
    const to1 = events[i + 1]?.timestamp ?? now;
    if (!BARS[state] || to1 < from || from1 > to) continue;
    const a = x(Math.max(from, from1)), b = x(Math.min(to, to1));
    out.push(svg('rect', { class: `bar ${BARS[state]}`, x: a, y: y + 4, width: Math.max(2, b - a), height: LANE - 8, rx: 2 },
      svg('title', {}, `${STATES[state]?.[0] ?? state}, ${when(from1)} to ${when(to1)}`)));
    const word = STATES[state]?.[0] ?? state;
    if (b - a > word.length * 9 + 8) out.push(svg('text', { class: `bar-name ${BARS[state]}`, x: (a + b) / 2, y: y + LANE / 2 + 5 }, word));
  }
}

/** Events of a lane; those that would touch are one larger mark with their number. */
function marks(out, events, lane, from, to, x, y) {
  const buckets = new Map();
  for (const e of events) {
    if (e.lane !== lane || e.timestamp < from || e.timestamp > to) continue;
    const key = Math.round(x(e.timestamp) / BUCKET);
    const b = buckets.get(key);
    if (b) b.push(e);
    else buckets.set(key, [e]);
  }
  for (const [key, found] of buckets) {
    out.push(svg('circle', { class: `mark ${lane}`, cx: key * BUCKET, cy: y, r: found.length > 1 ? Math.min(10, 6 + Math.log2(found.length)) : 5 },
      svg('title', {}, found.slice(0, 5).map((e) => `${when(e.timestamp)} ${e.action}`).join('\n') + (found.length > 5 ? `\nand ${found.length - 5} more` : ''))));
  }
}
