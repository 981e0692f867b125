// The pump: its state, the countdown to its next step, the way of a run, its lines.

import { $, attr, facts, h, keyed, show, text } from './dom.js';
import { STATES, WAY, clock, lineName, seconds, when } from './words.js';

const NEXT = {
  IDLE: 'until the main valve shuts', PRIMING: 'until the engine is cranked', STARTING: 'to the next step of the start',
  RUNNING: 'to the next step of the run', REDUCING_RPM: 'until the engine stops', STOPPING: 'to the next step of the stop',
  REFILLING: 'of refill at most', COOLDOWN: 'of rest', LOW_PRESSURE: 'until the pulse ends', ERROR: 'to the next stop pulse',
};
const SAME = 1.5; // seconds by which a repeated deadline may differ: it was told a little earlier than it came

let due = 0, dueState = ''; // performance.now() in seconds

/** Seconds until the state changes by itself; 0: never. */
export const left = () => (due ? Math.max(0, due - performance.now() / 1000) : 0);

/** Takes up the deadline of an overview that has just arrived. */
export function takeDeadline(o) {
  const now = performance.now() / 1000, next = o.pump.next_deadline;
  if (!(next > 0)) due = 0;
  else if (dueState !== o.pump.state || !due || Math.abs(now + next - due) > SAME) due = now + next;
  dueState = o.pump.state;
}

export function paintCount(stale) {
  const s = left();
  show($('count'), s > 0 && !stale);
  if (s > 0) text($('count-clock'), clock(s));
}

export function paintPump(o) {
  const p = o.pump, [title, lead] = STATES[p.state] ?? [p.state, ''];
  text($('pump-state'), title);
  text($('pump-code'), p.state);
  text($('pump-lead'), p.why ? `${lead} Why: ${p.why}.` : lead);
  text($('count-what'), NEXT[p.state] ?? 'to the next step');
  attr($('pump'), 'data-kind', p.state === 'ERROR' || p.state === 'LOW_PRESSURE' ? 'trouble' : p.stop_held ? 'supervisory' : p.engine_on ? 'water' : null);
  paintSteps(p.state, p.state !== 'STOPPING' || p.current_runtime > 0);
  facts($('pump-figures'), [
    ['This run', p.current_runtime > 0 ? clock(p.current_runtime) : null],
    ['Engine time left', p.current_runtime > 0 || p.engine_on ? clock(p.runtime_left) : null],
    ['Stop', p.stop_held ? 'held until reset' : null, 'supervisory'],
    ['Refill owed', p.refill_owed > 0 ? clock(p.refill_owed) : null],
    ['No start by fire for up to', p.lockout_seconds > 0 ? clock(p.lockout_seconds) : null, 'supervisory'],
    ['A fire waits', p.trigger_remembered ? 'starts after the refill' : null, 'supervisory'],
    ['Engine time ever', seconds(p.total_runtime)],
  ]);
  paintLines(o);
}

/** ran: what comes before the state has been done; a stop may come out of the blue. */
function paintSteps(state, ran) {
  const at = WAY.indexOf(state);
  keyed($('steps'), WAY, (s) => s, (s) => h('li', {}, STATES[s][0]), (el, s) => {
    const i = WAY.indexOf(s);
    attr(el, 'data-is', i === at ? 'now' : ran && i < at ? 'done' : null);
    attr(el, 'aria-current', i === at ? 'step' : null);
  });
}

function paintLines(o) {
  const body = $('lines').tBodies[0];
  const rows = [...(o.lines?.outputs ?? []).map((x) => ({ name: x.name, ordered: x.on ? 'on' : 'off', reads: x.failed ? (x.reads ? 'on, wrong' : 'off, wrong') : x.reads ? 'on' : 'off', bad: x.failed })),
    ...Object.entries(o.lines?.inputs ?? {}).map(([name, value]) => ({ name, ordered: '', reads: value, bad: value === 'unknown' }))];
  keyed(body, rows, (r) => r.name, (r) => h('tr', {}, h('th', { scope: 'row' }, lineName(r.name)), h('td'), h('td')), (el, r) => {
    text(el.cells[1], r.ordered || '–');
    text(el.cells[2], r.reads);
    attr(el, 'data-kind', r.bad ? 'trouble' : null);
  });
  text($('board'), `Board: ${o.lines?.board ?? 'unknown'}${o.lines?.available === false ? ', does not answer' : ''}. As of ${when(o.at)}.`);
}
