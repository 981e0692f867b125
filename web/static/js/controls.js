// What a person may order. The stop is one press and is sent until the house has it; all else is held for a
// moment, so that neither a pocket nor a slip of the finger starts a pump. What came of it is shown.

import { $, attr, h, icon, show } from './dom.js';
import { send, whoIs } from './api.js';
import { COMMANDS, refusal, sentence, when } from './words.js';

export const HOLD = 1500; // ms
const SLIP = 40; // px by which a hand may move and still hold
const INSIST = 30000, PAUSE = 1000; // ms: how long and how often a stop that was not delivered is sent again

const HOLDS = [
  ['start', 'Start pump', 'Starts engine and water now, fire or not.'],
  ['valve_open', 'Open main valve', 'Lets water through without the engine.'],
  ['valve_close', 'Close main valve', 'Refused while the engine turns.'],
  ['reset', 'Reset', 'Lifts a held stop or an error.'],
];

let changed = () => {};

/** Wires the stop and the hold buttons; onChange is called when an order has been answered. */
export function openControls(onChange) {
  changed = onChange;
  $('stop').addEventListener('click', stop);
  $('sure-stop').addEventListener('click', () => { $('sure').close(); stop(); }); // what lies over the page hides its own
  $('holds').replaceChildren(...HOLDS.map(([command, label, hint]) => holdButton(command, label, hint)));
}

/** Shows who may order, and what stands in the way. */
export function paintControls(o) {
  const viewer = whoIs()?.role === 'viewer';
  for (const b of $('holds').querySelectorAll('button')) attr(b, 'aria-disabled', viewer ? 'true' : null);
  const note = viewer ? 'You may look, not steer: your role is viewer.' : o?.pump.stop_held ? 'A stop is held: reset first, then start.' :
    o?.pump.state === 'ERROR' ? 'The pump is in ERROR: only reset leads out.' : 'Hold a button for 1.5 seconds. Let go early and nothing happens.';
  if ($('control-note').textContent !== note) $('control-note').textContent = note;
}

function holdButton(command, label, hint) {
  const b = h('button', { type: 'button', class: 'hold', id: `hold-${command}`, 'aria-describedby': `hint-${command}` },
    h('span', { class: 'fill', 'aria-hidden': 'true' }), h('span', { class: 'label' }, label), h('span', { class: 'hint', id: `hint-${command}` }, hint));
  hold(b, () => order(command), () => sure(command, label, hint));
  return b;
}

/** Calls done when a button has been held for HOLD by pointer or key. A click that neither made (from
 *  assistive technology, which cannot hold) calls ask. */
function hold(b, done, ask) {
  let began = 0, frame = 0, from = null;
  const free = () => b.getAttribute('aria-disabled') !== 'true';
  const end = () => {
    began = 0;
    cancelAnimationFrame(frame);
    b.style.removeProperty('--held');
    b.classList.remove('held');
  };
  const step = () => {
    if (!began) return;
    const share = (performance.now() - began) / HOLD;
    b.style.setProperty('--held', Math.min(1, share).toFixed(3));
    if (share < 1) {
      frame = requestAnimationFrame(step);
      return;
    }
    end();
    done();
  };
  const begin = () => {
    if (began || !free()) return;
    began = performance.now();
    b.classList.add('held');
    step();
  };
  // The pointer is the button's until it is let go: an alarm that comes above moves the page, not the hand.
  b.addEventListener('pointerdown', (e) => {
    if (e.button !== 0) return;
    b.setPointerCapture(e.pointerId);
    from = e;
    begin();
  });
  b.addEventListener('pointermove', (e) => { if (began && Math.hypot(e.clientX - from.clientX, e.clientY - from.clientY) > SLIP) end(); });
  for (const name of ['pointerup', 'pointercancel', 'blur']) b.addEventListener(name, end);
  b.addEventListener('contextmenu', (e) => e.preventDefault());
  b.addEventListener('keydown', (e) => {
    if (e.key !== ' ' && e.key !== 'Enter') return;
    e.preventDefault();
    if (!e.repeat) begin();
  });
  b.addEventListener('keyup', (e) => {
    if (e.key === ' ' || e.key === 'Enter') {
      e.preventDefault();
      end();
    }
  });
  document.addEventListener('visibilitychange', () => { if (document.hidden) end(); });
  b.addEventListener('click', (e) => {
    if (e.detail === 0 && free()) ask();
  });
}

function sure(command, label, hint) {
  const d = $('sure');
  $('sure-title').textContent = `${label}?`;
  $('sure-text').textContent = hint;
  $('sure-yes').onclick = () => { d.close(); order(command); };
  $('sure-no').onclick = () => d.close();
  d.showModal();
}

/** Shows what became of an order. kind: "busy", "good", "bad", "lost". */
function tell(kind, title, more = '') {
  const bar = $('outcome'), sign = { good: 'check', bad: 'cross', lost: 'stop', busy: 'waiting' }[kind];
  attr(bar, 'data-kind', kind);
  bar.replaceChildren(icon(sign), h('p', {}, h('strong', {}, title), ' ', h('span', {}, more)),
    h('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss', onclick: () => show(bar, false) }, icon('cross')));
  show(bar, true);
}

const stamp = (answer) => `${answer.by} · ${when(answer.at)}`;

function report(command, answer) {
  const name = COMMANDS[command];
  if (!answer.accepted) tell('bad', `${name} refused`, `${answer.text || refusal(answer.reason)} · ${stamp(answer)}`);
  else tell('good', `${name} accepted`, stamp(answer));
  changed();
}

async function order(command) {
  const name = COMMANDS[command];
  tell('busy', `${name} …`);
  try {
    report(command, await send('api/commands', { command, confirm: true }));
  } catch (err) {
    tell('bad', `${name} ${err.status === 504 ? 'not confirmed' : err.status ? 'refused' : 'not delivered'}`, `${sentence(err.message)}.`);
    changed();
  }
}

let insisting = false;
const UNHEARD = { 403: 'REFUSED', 504: 'NOT CONFIRMED' };

/** The emergency stop: one press, sent until the house has taken it. */
export async function stop() {
  if (insisting) return;
  insisting = true;
  const until = performance.now() + INSIST;
  tell('busy', 'Emergency stop …');
  try {
    for (;;) {
      try {
        report('stop', await send('api/commands', { command: 'stop', confirm: true }));
        return;
      } catch (err) {
        const again = (err.status === 0 || err.status === 401 || err.status >= 500) && performance.now() < until;
        tell('lost', `EMERGENCY STOP ${UNHEARD[err.status] ?? 'NOT DELIVERED'}`, `${sentence(err.message)}. Press the stop button at the pump.${again ? ' Trying again.' : ''}`);
        if (!again) return;
      }
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  } finally {
    insisting = false;
  }
}
