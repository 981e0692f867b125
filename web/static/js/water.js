// The water path: what is open, what turns, where water goes; in the drawing and, in the same words, as text.

import { $, attr, facts, text } from './dom.js';
import { flowing } from './status.js';

const output = (o, name) => o.lines?.outputs?.find((x) => x.name === name);

/** One valve: open as ordered, and whether it reads so. */
function valve(o, name, ordered) {
  const line = output(o, name);
  const wrong = line && (line.failed || o.lines.available && line.on !== line.reads);
  const word = (ordered ? 'open' : 'closed') + (line?.failed ? ', does not obey' : wrong ? ', not verified' : '');
  return { open: ordered, wrong: Boolean(line?.failed), word };
}

function engineWord(o) {
  const p = o.pump, runs = o.lines?.inputs?.engine_running;
  if (output(o, 'ignition_start')?.on) return 'cranking';
  if (output(o, 'ignition_off')?.on) return 'stop pulse';
  if (p.engine_on) return runs === 'inactive' ? 'on, does not turn' : p.rpm_reduced ? 'running, slower' : 'running';
  return runs === 'active' ? 'runs unasked' : 'off';
}

function tank(o) {
  const full = o.pump.reservoir_full;
  if (full === null || full === undefined) return { level: 'unknown', word: 'level unknown' };
  if (full) return { level: 'full', word: 'full' };
  return { level: 'low', word: o.pump.refill_valve && !o.pump.engine_on ? 'filling' : 'not full' };
}

/** What is known of the water path, in words. Pure. */
export function waterPath(o) {
  const p = o.pump, pressure = o.lines?.inputs?.line_pressure, seen = o.lines?.inputs?.flow;
  const flows = flowing(o);
  const path = {
    refill: valve(o, 'refill_valve', p.refill_valve), priming: valve(o, 'priming_valve', p.priming_valve),
    main: valve(o, 'main_valve', p.main_valve), engine: engineWord(o), tank: tank(o),
    flow: flows ? 'water flows' : p.engine_on && p.main_valve ? 'no flow measured' : 'dry',
    flows, seen: { active: 'flowing', inactive: 'none', unknown: 'cannot be read' }[seen],
    pressure: { active: 'ok', inactive: 'none', unknown: 'cannot be read' }[pressure],
  };
  path.sum = flows ? 'Water flows from the tank to the house.' : p.refill_valve ? 'Water flows into the tank.' : 'No water flows.';
  return path;
}

export function paintWater(o) {
  const w = waterPath(o), drawing = $('drawing');
  for (const [id, v] of [['v-refill', w.refill], ['v-prime', w.priming], ['v-main', w.main]]) {
    attr($(id), 'data-open', v.open);
    attr($(id), 'data-wrong', v.wrong);
  }
  attr($('engine'), 'data-on', o.pump.engine_on || w.engine === 'cranking');
  attr($('impeller'), 'data-on', o.pump.engine_on && w.engine !== 'on, does not turn');
  attr($('impeller'), 'data-slow', o.pump.rpm_reduced || w.engine === 'cranking');
  attr($('tank'), 'data-level', w.tank.level);
  attr(drawing, 'data-flows', w.flows);
  const streams = { supply: w.refill.open, suction: o.pump.engine_on && w.flows, out: o.pump.engine_on && w.flows, field: w.flows, prime: w.priming.open && o.pump.engine_on };
  for (const el of drawing.querySelectorAll('[data-flow]')) attr(el, 'data-on', Boolean(streams[el.dataset.flow]));
  const words = { refill: w.refill.word, priming: w.priming.word, main: w.main.word, engine: w.engine, tank: w.tank.word, flow: w.flow };
  for (const el of drawing.querySelectorAll('[data-say]')) text(el, words[el.dataset.say]);
  text($('water-sum'), w.sum);
  facts($('water-list'), [
    ['Tank', w.tank.word, null, true], ['Refill valve', w.refill.word, w.refill.wrong ? 'trouble' : null, true],
    ['Priming valve', w.priming.word, w.priming.wrong ? 'trouble' : null, true], ['Pump and engine', w.engine, null, true],
    ['Main valve', w.main.word, w.main.wrong ? 'trouble' : null, true], ['At the house', w.flow, null, true], ['Line pressure', w.pressure], ['Flow sensor', w.seen],
  ]);
}
