// The page: one overview at a time goes to every part of it, at most once a frame.

import { $, show, text } from './dom.js';
import { renew } from './api.js';
import { follow } from './live.js';
import { paintHero, paintTiles } from './status.js';
import { paintWater } from './water.js';
import { left, paintCount, paintPump, takeDeadline } from './pump.js';
import { openControls, paintControls, stop } from './controls.js';
import { openAlarms, paintAlarms } from './alarms.js';
import { paintConsensus } from './consensus.js';
import { openCameras, paintCameras } from './cameras.js';
import { paintCamera, showCamera } from './camera.js';
import { openHistory, paint as paintHistory, refresh } from './history.js';
import { paintHealth } from './health.js';
import { openLogin } from './login.js';
import { when } from './words.js';

let overview = null, came = 0, link = { stale: false, silent: 0, how: 'connecting' }, waiting = false, fresh = false, state = '';

/** The house's clock in Unix seconds: its last word and what has passed since. A Pi's clock may be wrong. */
const houseNow = () => (overview ? overview.at + (performance.now() - came) / 1000 : Date.now() / 1000);

/** Lists that are empty may come as null. */
function whole(o) {
  o.cameras ??= [];
  o.alarms ??= [];
  o.services ??= [];
  o.consensus.agreeing ??= [];
  return o;
}

function paint() {
  waiting = false;
  if (overview || link.stale) paintHero(overview, link.stale, link.silent);
  if (!overview) return;
  paintTiles(overview, link.stale ? 0 : left());
  paintCount(link.stale);
  if (!fresh) return;
  fresh = false;
  const now = houseNow();
  show($('sim'), overview.lines.simulated);
  text($('site'), overview.site);
  paintWater(overview);
  paintPump(overview);
  paintControls(overview);
  paintAlarms(overview);
  paintConsensus(overview, now);
  paintCameras(overview, now);
  paintCamera(overview, now);
  paintHealth(overview, now);
  text($('seen'), `as of ${when(overview.at)}`);
}

function later() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(paint);
}

openAlarms();
openControls(() => refresh());
openCameras((name, byHand) => showCamera(name, overview, byHand));
openHistory(houseNow);

const stream = follow({
  heard(o) {
    overview = whole(o);
    came = performance.now();
    fresh = true;
    takeDeadline(overview);
    if (state && state !== overview.pump.state) refresh();
    state = overview.pump.state;
    later();
  },
  told(l) {
    link = l;
    text($('live-text'), l.stale ? `silent for ${Math.round(l.silent / 1000)} s` : { live: 'live', asking: 'live, by asking', connecting: 'connecting', reconnecting: 'reconnecting' }[l.how]);
    $('live').dataset.how = l.stale ? 'stale' : l.how;
    later();
  },
});

openLogin({
  stop,
  changed: () => { fresh = Boolean(overview); later(); }, // who may look alone is offered less
  left: () => stream.pause(),
  entered: () => {
    stream.resume();
    refresh();
  },
});

renew().catch(() => {}); // the stream finds out whether somebody must sign in
refresh();
setInterval(() => {
  later();
  if (overview) {
    paintConsensus(overview, houseNow());
    paintHistory();
  }
}, 1000);
