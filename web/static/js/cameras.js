// The cameras: found by name or kind, those that matter first. Only the rows in sight exist, so that a
// thousand cameras scroll as lightly as ten.

import { $, attr, h, icon, segments, setIcon, show, text } from './dom.js';
import { count, seconds } from './words.js';

const ROW = 60; // px, as in style.css
const SPARE = 4; // rows beyond the edge

let all = [], rows = [], kind = 'all', word = '', chosen = '', focused = '', now = 0;
let byHand = false; // a person has chosen: until then the first one is shown, where there is room
let choose = () => {};
const wide = matchMedia('(min-width: 48rem)');
const pool = new Map(); // index → element

/** Whether a camera's pictures are known to be bad: of one that nobody looks for, nobody knows. Pure. */
export const poor = (c) => c.found && !c.healthy || Boolean(c.problem);

const KINDS = [
  ['all', 'All', () => true],
  ['fire', 'Growing', (c) => c.growing || c.steady],
  ['problem', 'Problem', (c) => !c.online || poor(c)],
  ['offline', 'Offline', (c) => !c.online],
];

/** What is said of a camera: [icon, rank, words, kind]; the lowest rank comes first. Pure. */
export function standing(c) {
  if (c.growing) return ['alarm', 0, 'sees a growing fire', 'alarm'];
  if (c.steady) return ['alarm', 1, 'sees a steady fire', 'alarm'];
  if (!c.online) return ['off', 2, c.problem || 'offline: no vote', 'supervisory'];
  if (poor(c)) return ['trouble', 3, c.problem || 'its pictures are not good', 'trouble'];
  return ['camera', 4, c.objects?.length ? `follows ${count(c.objects.length, 'object')}` : 'watching', null];
}

/** onChoose(name, byHand) is called when a camera is chosen. */
export function openCameras(onChoose) {
  choose = onChoose;
  segments($('cam-kinds'), KINDS, kind, (k) => { kind = k; arrange(true); });
  $('cam-filter').addEventListener('input', () => { word = $('cam-filter').value.trim().toLowerCase(); arrange(true); });
  const view = $('cam-view');
  view.addEventListener('scroll', draw, { passive: true });
  new ResizeObserver(draw).observe(view);
  view.addEventListener('keydown', walk);
}

export function paintCameras(o, houseNow) {
  all = o.cameras;
  now = houseNow;
  const online = all.filter((c) => c.online).length;
  text($('cameras-sum'), `${online} of ${all.length} online`);
  const buttons = $('cam-kinds').children;
  KINDS.forEach(([, label, fits], i) => text(buttons[i], `${label} ${all.filter(fits).length}`));
  arrange(false);
  if (!byHand && rows.length && rows[0].name !== chosen && wide.matches) {
    chosen = rows[0].name;
    draw();
    choose(chosen, false);
  }
}

function arrange(toTop) {
  const fits = KINDS.find((k) => k[0] === kind)[2];
  rows = all.filter((c) => fits(c) && (!word || `${c.name} ${c.title ?? ''} ${c.ip ?? ''} ${c.mac ?? ''}`.toLowerCase().includes(word)))
    .map((c) => [standing(c), c]).sort((a, b) => a[0][1] - b[0][1]).map(([, c]) => c);
  show($('cam-none'), rows.length === 0);
  text($('cam-none'), all.length === 0 ? 'No camera is known yet.' : 'No camera fits.');
  show($('cam-view'), rows.length > 0);
  show($('cam-detail'), all.length > 0);
  $('cam-rows').style.height = `${rows.length * ROW}px`;
  $('cam-view').style.setProperty('--rows', rows.length);
  if (toTop) $('cam-view').scrollTop = 0;
  draw();
}

function draw() {
  const view = $('cam-view');
  const first = Math.max(0, Math.floor(view.scrollTop / ROW) - SPARE);
  const last = Math.min(rows.length, Math.ceil((view.scrollTop + view.clientHeight) / ROW) + SPARE);
  const reach = rows.some((c) => c.name === focused) ? focused : rows[0]?.name; // the one that Tab reaches
  const wanted = new Map(rows.slice(first, last).map((c, i) => [c.name, first + i]));
  for (const [name, el] of pool) {
    if (wanted.has(name)) continue;
    if (el.contains(document.activeElement) && rows.some((c) => c.name === name)) continue; // focus is not taken away
    el.remove();
    pool.delete(name);
  }
  for (const [name, i] of wanted) row(name, i, reach, !wanted.has(reach) && i === first);
  const odd = pool.get(reach);
  if (odd && !wanted.has(reach)) row(reach, rows.findIndex((c) => c.name === reach), reach, false);
  order();
}

/** Puts the rows into the order in which they are seen, for who walks or hears them; focus stays where it is. */
function order() {
  const focus = document.activeElement, list = $('cam-rows');
  const sorted = [...pool.values()].sort((a, b) => a.getAttribute('aria-posinset') - b.getAttribute('aria-posinset'));
  sorted.forEach((el, i) => { if (list.children[i] !== el) list.insertBefore(el, list.children[i]); });
  if (focus !== document.activeElement && list.contains(focus)) focus.focus({ preventScroll: true });
}

function row(name, i, reach, instead) {
  const c = rows[i];
  let el = pool.get(name);
  if (!el) {
    const b = h('button', { type: 'button' }, icon('camera'), h('span', { class: 'name' }), h('span', { class: 'say' }), h('span', { class: 'age' }));
    b.addEventListener('click', () => { byHand = true; chosen = focused = name; draw(); choose(name, true); });
    b.addEventListener('focus', () => { focused = name; });
    pool.set(name, (el = h('li', {}, b)));
    $('cam-rows').append(el);
  }
  const [sign, , words, severity] = standing(c), b = el.firstChild;
  el.style.transform = `translateY(${i * ROW}px)`;
  attr(el, 'aria-setsize', rows.length);
  attr(el, 'aria-posinset', i + 1);
  attr(el, 'data-severity', severity);
  attr(b, 'aria-pressed', String(name === chosen));
  attr(b, 'tabindex', name === reach || instead ? 0 : -1);
  setIcon(b, sign);
  text(b.children[1], c.title || c.name);
  text(b.children[2], words);
  text(b.children[3], c.last_heard > 0 ? `${seconds(now - c.last_heard)} ago` : 'never heard');
}

/** Arrow keys, Home, End and the page keys walk the list. */
function walk(e) {
  const view = $('cam-view'), page = Math.max(1, Math.floor(view.clientHeight / ROW) - 1);
  const at = rows.findIndex((c) => c.name === focused);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1, PageDown: at + page, PageUp: at - page }[e.key];
  if (to === undefined || rows.length === 0) return;
  e.preventDefault();
  const i = Math.max(0, Math.min(rows.length - 1, to));
  focused = rows[i].name;
  if (i * ROW < view.scrollTop) view.scrollTop = i * ROW;
  if ((i + 1) * ROW > view.scrollTop + view.clientHeight) view.scrollTop = (i + 1) * ROW - view.clientHeight;
  draw();
  pool.get(focused)?.firstChild.focus({ preventScroll: true });
}
