// The health of box, broker, NVR, disk, clock and discovery: each a line with a sign and a word.

import { $, attr, h, icon, keyed, setIcon, text } from './dom.js';
import { bytes, count, plain, seconds } from './words.js';

const HOT = 80, FULL = 90, BUSY = 95; // °C, percent, percent
const known = (x) => x !== null && x !== undefined;

/** Our connections to the broker in words: all of them are cut where it is away. */
function broker(links) {
  const down = links.filter((s) => !s.connected), why = (s) => (s?.reason ? `: ${s.reason}` : '');
  if (down.length === 0) return `${count(links.length, 'connection')} up`;
  if (down.length === links.length) return `away${why(down.find((s) => s.reason))}`;
  return down.map((s) => `${plain(s.name)} is cut${why(s)}`).join('; ');
}

/** [name, words, good]; good null: nobody knows. Pure. */
export function healthOf(o, now) {
  const m = o.machine, rows = [];
  const links = o.services ?? [];
  rows.push(['Broker', broker(links), links.every((s) => s.connected)]);
  const n = o.nvr;
  rows.push(['NVR', !n.seen ? 'not heard of since start' : !n.running ? `does not run; last heard ${seconds(now - n.last_heard)} ago` : `${n.version || 'running'}, ${count(n.cameras, 'camera')}${n.api ? '' : ', no snapshots'}`, n.seen ? n.running : null]);
  rows.push(['Lines', `${o.lines.board || 'unknown board'}${o.lines.available ? '' : ' does not answer'}${o.lines.simulated && o.lines.board !== 'simulator' ? ', simulated' : ''}`, o.lines.available]);
  const box = [known(m.cpu_percent) && `CPU ${m.cpu_percent.toFixed(0)} %`, known(m.memory_percent) && `memory ${m.memory_percent.toFixed(0)} %`, known(m.temperature_celsius) && `${m.temperature_celsius.toFixed(0)} °C`].filter(Boolean);
  rows.push(['Box', box.join(', ') || 'not measured', box.length ? !(m.temperature_celsius >= HOT || m.memory_percent >= BUSY || m.cpu_percent >= BUSY) : null]);
  rows.push(['Disk', known(m.disk_percent) ? `${m.disk_percent.toFixed(0)} % used${known(m.disk_free_bytes) ? `, ${bytes(m.disk_free_bytes)} free` : ''}` : 'not measured', known(m.disk_percent) ? m.disk_percent < FULL : null]);
  rows.push(['Clock', known(m.clock_synced) ? (m.clock_synced ? 'in step with the network' : 'not set by the network: times may be wrong') : 'not known', known(m.clock_synced) ? m.clock_synced : null]);
  const d = o.discovery;
  rows.push(['Discovery', !d.enabled ? 'off' : [`${d.known} known`, d.suspects ? `${d.suspects} suspected` : '', d.steady ? 'steady' : 'searching', d.last_scan > 0 ? `scanned ${seconds(now - d.last_scan)} ago` : 'no scan yet', d.reduced].filter(Boolean).join(', '), d.enabled ? !d.reduced : null]);
  const s = o.start;
  rows.push(['Program', [`up ${seconds(o.uptime)}`, count(s.boots, 'start'), s.last_stop ? `last stop: ${s.last_stop}` : '', s.failed_starts ? count(s.failed_starts, 'failed start') : '', s.safe_mode ? 'SAFE MODE' : ''].filter(Boolean).join(', '), !s.safe_mode && !s.failed_starts]);
  return rows;
}

export function paintHealth(o, now) {
  const rows = healthOf(o, now);
  keyed($('health-list'), rows, (r) => r[0],
    (r) => h('li', {}, icon('check'), h('span', { class: 'k' }, r[0]), h('span', { class: 'v' })),
    (el, [name, words, good]) => {
      attr(el, 'data-good', good === null ? 'unknown' : good);
      setIcon(el, good === null ? 'waiting' : good ? 'check' : 'trouble');
      text(el.querySelector('.k'), name);
      text(el.querySelector('.v'), words);
    });
  const bad = rows.filter((r) => r[2] === false).length;
  text($('health-sum'), bad ? `${bad} of ${rows.length} need attention` : 'all good');
  text($('version'), `Wildfire Watch ${o.version} on ${o.host}`);
}
