// The live stream: /api/stream by server-sent events, /api/overview where it is silent. What counts as a
// sign of life is a new overview, or one that is young by the house's own clock, not an open connection: a
// house that repeats itself for long has hung.

import { readDated, Failed } from './api.js';

export const STALE = 5000; // ms of silence after which nothing on the page may be believed
const UNEASY = 2500; // ms after which the overview is asked for
const FIRST_WAIT = 500, LONGEST_WAIT = 4000; // ms between attempts, doubling
const YOUNG = 6; // s: so old may a quiet house's overview be
const VOUCHES = 2500; // ms for which a young overview stands in for a new one
const ASK_EVERY = 1500; // ms between questions where the stream is silent

/** Calls heard(overview) for each new one and told({stale, silent, how}) whenever that changes. */
export function follow({ heard, told }) {
  let source = null, wait = FIRST_WAIT, retry = 0, asking = false, asked = 0, paused = false;
  let last = performance.now(), vouched = -VOUCHES, newest = '', how = 'connecting', said = '';

  const isStale = () => performance.now() - last > STALE && performance.now() - vouched > VOUCHES;

  const tell = () => {
    const silent = performance.now() - last;
    const stale = isStale();
    const word = `${stale} ${how} ${stale ? Math.floor(silent / 1000) : 0}`;
    if (word !== said) told({ stale, silent, how });
    said = word;
  };

  function take(overview, by, date = NaN) {
    const mark = `${overview.boot} ${overview.number}`;
    if (mark === newest) {
      if (date - overview.at <= YOUNG) vouched = performance.now();
      return;
    }
    newest = mark;
    last = performance.now();
    how = by;
    wait = FIRST_WAIT;
    heard(overview);
    tell();
  }

  function close() {
    source?.close();
    source = null;
    clearTimeout(retry);
  }

  function open() {
    close();
    if (paused) return;
    const mine = source = new EventSource('api/stream');
    mine.addEventListener('overview', (e) => {
      if (mine !== source) return;
      try {
        take(JSON.parse(e.data), 'live');
      } catch (err) {
        console.warn('an overview that cannot be read', err);
      }
    });
    mine.onerror = () => { if (mine === source) later(); };
  }

  function later() {
    close();
    how = 'reconnecting';
    tell();
    retry = setTimeout(open, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, LONGEST_WAIT);
    poll(); // it also says whether somebody must sign in
  }

  async function poll() {
    if (asking || paused) return;
    asking = true;
    asked = performance.now();
    try {
      const { body, date } = await readDated('api/overview');
      take(body, source ? 'live' : 'asking', date);
    } catch (err) {
      if (err instanceof Failed && err.status === 401) pause();
    } finally {
      asking = false;
    }
  }

  function pause() {
    paused = true;
    close();
  }

  function resume() {
    paused = false;
    wait = FIRST_WAIT;
    open();
    poll();
  }

  setInterval(() => {
    const silent = performance.now() - last;
    if (silent > UNEASY && performance.now() - asked > ASK_EVERY) poll();
    if (isStale() && source && !paused && source.readyState !== EventSource.CONNECTING) later(); // open, and dead
    tell();
  }, 500);
  addEventListener('online', () => { if (!paused) resume(); });
  addEventListener('pageshow', (e) => { if (e.persisted && !paused) resume(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden && !source && !paused) resume(); });
  open();
  return { resume, pause, age: () => performance.now() - last };
}
