// Who agrees, since when, how many it takes, and until when no second trigger goes out.

import { $, attr, facts, h, keyed, text } from './dom.js';
import { titled } from './status.js';
import { clock, count, seconds, when } from './words.js';

const MOST = 12; // names shown

/** now: Unix seconds by the house's clock. */
export function paintConsensus(o, now) {
  const c = o.consensus, agreeing = c.agreeing ?? [];
  const whole = agreeing.length >= c.threshold && agreeing.length > 0;
  text($('fire-state'), `${agreeing.length} of ${c.threshold} agree`);
  attr($('fire'), 'data-kind', whole ? 'alarm' : agreeing.length ? 'supervisory' : null);
  const pips = Array.from({ length: Math.max(c.threshold, Math.min(agreeing.length, 10)) }, (_, i) => i);
  keyed($('pips'), pips, (i) => i, () => h('span'), (el, i) => {
    attr(el, 'data-on', i < agreeing.length);
    attr(el, 'data-more', i >= c.threshold ? true : null);
  });
  text($('fire-lead'), c.since > 0 ? `Agreement has held for ${seconds(now - c.since)}, since ${when(c.since)}.` :
    agreeing.length ? `${count(c.threshold - agreeing.length, 'more camera')} must see a growing fire.` : 'No camera sees a growing fire.');
  const names = agreeing.slice(0, MOST).map((name) => ({ name, label: titled(o, name) }));
  if (agreeing.length > MOST) names.push({ name: '…', label: `and ${agreeing.length - MOST} more` });
  keyed($('fire-names'), names, (n) => n.name, () => h('li'), (el, n) => text(el, n.label));
  const cool = c.cooldown_until - now;
  facts($('fire-figures'), [
    ['Cameras with a vote', `${c.online}`, c.online < c.threshold ? 'supervisory' : null],
    ['No new trigger for', cool > 0 ? clock(cool) : null],
    ['Last trigger', c.last_trigger > 0 ? `${when(c.last_trigger)}` : 'none since start'],
    ['Triggers', `${c.triggers}, of them accepted ${c.accepted}`],
  ]);
}
