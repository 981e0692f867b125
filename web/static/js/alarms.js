// The standing alarms: severity by icon and word, what happened, what to do, who has seen it.

import { $, attr, h, icon, keyed, setIcon, show, text } from './dom.js';
import { send, whoIs } from './api.js';
import { SEVERITIES, when } from './words.js';

const MOST = 50; // shown; more would hide the first ones

export function openAlarms() {
  $('ack-all').addEventListener('click', () => acknowledge($('ack-all'), '', ''));
}

const may = () => whoIs()?.role !== 'viewer';

async function acknowledge(button, code, subject) {
  attr(button, 'aria-disabled', 'true');
  try {
    await send('api/alarms/acknowledge', { code, subject });
    button.removeAttribute('data-failed');
  } catch (err) {
    attr(button, 'data-failed', err.message);
  }
  attr(button, 'aria-disabled', null);
}

function make(alarm) {
  const ack = h('button', { type: 'button', class: 'quiet' }, 'Acknowledge');
  ack.addEventListener('click', () => acknowledge(ack, alarm.code, alarm.subject ?? ''));
  return h('li', {}, icon('trouble'),
    h('div', { class: 'alarm-words' },
      h('p', { class: 'marks' }, h('span', { class: 'severity' }), h('span', { class: 'first' }, 'First'), h('span', { class: 'over' }, 'Cause is gone'), h('span', { class: 'since' })),
      h('h3'), h('p', { class: 'what' }), h('p', { class: 'do' }, h('strong', {}, 'What to do: '), h('span')), h('p', { class: 'clears' })),
    h('div', { class: 'ack' }, ack, h('p', { class: 'by' })));
}

function update(el, a) {
  attr(el, 'data-severity', a.severity);
  attr(el, 'data-active', a.active);
  setIcon(el, a.severity in SEVERITIES ? a.severity : 'trouble');
  const of = (name) => el.querySelector(name);
  text(of('.severity'), SEVERITIES[a.severity] ?? a.severity);
  show(of('.first'), a.first);
  show(of('.over'), !a.active);
  text(of('.since'), `since ${when(a.since)}`);
  text(of('h3'), (a.title || a.code) + (a.subject ? `: ${a.subject}` : ''));
  text(of('.what'), a.text);
  show(of('.what'), Boolean(a.text));
  text(of('.do span'), a.do);
  show(of('.do'), Boolean(a.do));
  text(of('.clears'), a.clears ? `Clears: ${a.clears}` : '');
  show(of('.clears'), Boolean(a.clears));
  show(of('.ack button'), !a.acknowledged && may());
  attr(of('.ack button'), 'aria-label', `Acknowledge ${a.title || a.code}${a.subject ? ` ${a.subject}` : ''}`);
  text(of('.by'), a.acknowledged ? `Seen by ${a.acknowledged}` : '');
}

export function paintAlarms(o) {
  show($('alarms-none'), o.alarms.length === 0);
  show($('ack-all'), may() && o.alarms.filter((a) => !a.acknowledged).length > 1);
  attr($('alarms'), 'data-none', o.alarms.length === 0);
  keyed($('alarm-list'), o.alarms.slice(0, MOST), (a) => `${a.code} ${a.subject ?? ''}`, make, update);
}
