// The first line: is it ready, is there a fire, what is the pump doing, what stops it.

import { $, attr, h, keyed, show, text } from './dom.js';
import { poor } from './cameras.js';
import { STATES, clock, count, list, seconds, when } from './words.js';

const BUSY = ['PRIMING', 'STARTING', 'RUNNING', 'REDUCING_RPM', 'LOW_PRESSURE'];
const DOES = { PRIMING: 'PUMP STARTING', STARTING: 'PUMP STARTING', LOW_PRESSURE: 'PUMP STOPPING' };
const RECENT = 1800; // seconds for which a run counts as one against the last trigger's fire

/** Whether water leaves the pump, as far as anybody knows. */
export function flowing(o) {
  const pump = o.pump, seen = o.lines?.inputs?.flow;
  return pump.engine_on && pump.main_valve && seen !== 'inactive';
}

export function titled(o, name) {
  return o.cameras?.find((c) => c.name === name)?.title || name;
}

function water(o) {
  const p = o.pump;
  if (flowing(o)) return { text: 'Water is flowing.', why: [] };
  if (p.engine_on && p.main_valve) return { text: 'The engine runs, but no flow is measured.', why: [] };
  if (p.state === 'PRIMING' || p.state === 'STARTING') return { text: 'The pump is starting.', why: [] };
  const why = o.ready?.why?.length ? o.ready.why : [p.why || `the pump is ${STATES[p.state]?.[0].toLowerCase() ?? p.state}`];
  return { text: 'Water is not flowing:', why };
}

/** The verdict on an overview: {kind, title, lead, why}. Pure. */
export function judge(o) {
  const p = o.pump, c = o.consensus, agreeing = c.agreeing ?? [];
  const agree = c.since > 0 || agreeing.length > 0 && agreeing.length >= c.threshold;
  const signalled = (o.alarms ?? []).some((a) => a.active && a.severity === 'alarm');
  const busy = BUSY.includes(p.state);
  if (agree || signalled || busy && c.last_trigger > 0 && o.at - c.last_trigger < RECENT) {
    const w = water(o);
    const who = agreeing.length ? `${list(agreeing.map((n) => titled(o, n)))} ${agreeing.length === 1 ? 'sees' : 'see'} a growing fire.` :
      c.last_trigger > 0 ? `Last seen ${seconds(o.at - c.last_trigger)} ago.` : 'A fire was reported.';
    return { kind: 'fire', title: 'FIRE', lead: `${who} ${w.text}`, why: w.why };
  }
  if (busy) {
    return { kind: 'running', title: DOES[p.state] ?? 'PUMP RUNNING', lead: `No fire is seen now. ${water(o).text}`.replace(/:$/, '.'), why: o.ready?.ready ? [] : o.ready?.why ?? [] };
  }
  if (!o.ready?.ready) {
    return { kind: 'notready', title: 'NOT READY', lead: 'A fire would not be put out, because', why: o.ready?.why?.length ? o.ready.why : ['no reason was given'] };
  }
  const one = (o.cameras ?? []).filter((x) => x.growing);
  const watch = one.length ? ` ${list(one.map((x) => x.title || x.name))} ${one.length === 1 ? 'sees' : 'see'} something grow; ${c.threshold} must agree.` : '';
  const doing = p.state === 'IDLE' ? 'No fire is seen. Water would flow if there were one.' : `No fire is seen. ${STATES[p.state]?.[1] ?? ''}`;
  return { kind: 'ready', title: 'READY', lead: doing + watch, why: [] };
}

const ICONS = { ready: 'ok', notready: 'supervisory', fire: 'alarm', running: 'running', stale: 'stale', waiting: 'waiting' };
let spoken = '';

/** Paints the verdict; stale overrules it. */
export function paintHero(o, stale, silent) {
  const v = stale ? {
    kind: 'stale', title: 'STALE',
    lead: o ? `Nothing was heard for ${seconds(silent / 1000)}. What is shown below is from ${when(o.at)} and may be wrong.`
      : `The house does not answer for ${seconds(silent / 1000)}.`,
    why: [], speak: 'The page is stale: the house does not answer.',
  } : judge(o);
  attr(document.body, 'data-kind', v.kind);
  attr($('hero-icon'), 'href', `#i-${ICONS[v.kind]}`);
  text($('hero-title'), v.title);
  text($('hero-lead'), v.lead);
  show($('hero-why'), v.why.length > 0);
  keyed($('hero-why'), v.why.slice(0, 6), (w) => w, (w) => h('li', {}, w));
  document.title = `${v.title}${o?.site ? `: ${o.site}` : ''} – Wildfire Watch`;
  speak(v);
}

/** Screen readers are told a verdict once: at once if it is fire or silence, else when they pause. */
function speak(v) {
  const words = v.speak ?? `${v.title}. ${v.lead} ${v.why.join('; ')}`;
  const mark = v.kind + v.why.join() + (v.kind === 'fire' ? v.lead : '');
  if (mark === spoken) return;
  spoken = mark;
  const urgent = v.kind === 'fire' || v.kind === 'stale';
  text($('say-fire'), urgent ? words : '');
  text($('say-status'), urgent ? '' : words);
}

export function paintTiles(o, left) {
  const c = o.consensus, agreeing = c.agreeing?.length ?? 0;
  const growing = o.cameras.filter((x) => x.growing).length;
  text($('tile-fire'), agreeing ? `${agreeing} of ${c.threshold} agree` : growing ? `${count(growing, 'camera')} suspicious` : 'None seen');
  text($('tile-fire-more'), `${c.threshold} must agree`);
  attr($('tile-fire').closest('li'), 'data-kind', agreeing >= c.threshold && agreeing ? 'alarm' : growing || agreeing ? 'supervisory' : null);

  text($('tile-pump'), STATES[o.pump.state]?.[0] ?? o.pump.state);
  text($('tile-pump-more'), left > 0 ? `next step in ${clock(left)}` : o.pump.why || (o.pump.stop_held ? 'stop held' : o.pump.state === 'IDLE' ? 'waits for fire' : ''));
  attr($('tile-pump').closest('li'), 'data-kind', o.pump.state === 'ERROR' ? 'trouble' : o.pump.stop_held ? 'supervisory' : o.pump.engine_on ? 'water' : null);

  const online = o.cameras.filter((x) => x.online).length, bad = o.cameras.filter((x) => !x.online || poor(x)).length;
  text($('tile-cameras'), `${online} of ${o.cameras.length} online`);
  text($('tile-cameras-more'), bad ? `${bad} with a problem` : !o.cameras.length ? 'none is known yet' : o.cameras.every((x) => x.found) ? 'all pictures good' : 'no problem is known');
  attr($('tile-cameras').closest('li'), 'data-kind', online < c.threshold ? 'supervisory' : null);

  const active = o.alarms.filter((a) => a.active), unseen = o.alarms.filter((a) => !a.acknowledged).length;
  text($('tile-alarms'), active.length ? `${active.length} active` : 'None');
  text($('tile-alarms-more'), unseen ? `${unseen} not acknowledged` : active.length ? 'all acknowledged' : 'nothing is wrong');
  attr($('tile-alarms').closest('li'), 'data-kind', worst(active));
}

export function worst(alarms) {
  return ['alarm', 'supervisory', 'trouble'].find((s) => alarms.some((a) => a.severity === s)) ?? null;
}
