// The house's API. Every question has a deadline; who is not signed in is told so once.

let session = null;
let wanted = null; // a session that is being asked for
const listeners = { denied: () => {}, session: () => {} };

/** denied(): the API answered 401. session(s): {user, role, csrf} or null. */
export function onSession(on) { Object.assign(listeners, on); }

export const whoIs = () => session;

/** A refusal or a failure, in words for people. status 0: the house was not reached. */
export class Failed extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

const PATIENCE = 5000;

async function ask(path, options = {}) {
  const gone = new AbortController();
  const timer = setTimeout(() => gone.abort(), options.patience ?? PATIENCE);
  try {
    const answer = await fetch(path, { credentials: 'same-origin', cache: 'no-store', signal: gone.signal, ...options });
    const body = (answer.headers.get('Content-Type') ?? '').includes('json') ? await answer.json() : await answer.text();
    return { answer, body };
  } catch {
    throw new Failed('the house cannot be reached');
  } finally {
    clearTimeout(timer);
  }
}

const reasonIn = (body) => (typeof body === 'object' ? [body?.error || body?.reason, body?.do].filter(Boolean).join('; ') : body?.trim().slice(0, 200)) || '';

/** The JSON at a path. */
export const read = async (path) => (await readDated(path)).body;

/** The JSON at a path, and when the house's own clock says that it was answered; Unix seconds, NaN: not said. */
export async function readDated(path) {
  const { answer, body } = await ask(path);
  if (answer.status === 401) {
    listeners.denied();
    throw new Failed('not signed in', 401);
  }
  if (!answer.ok || typeof body !== 'object') throw new Failed(reasonIn(body) || `answer ${answer.status}`, answer.status);
  return { body, date: Date.parse(answer.headers.get('Date')) / 1000 };
}

/** Asks anew who we are; many who ask at once share one question. */
export function renew() {
  wanted ??= read('api/session').then((s) => {
    session = s;
    listeners.session(s);
    return s;
  }).finally(() => { wanted = null; });
  return wanted;
}

/** Posts JSON with the session's token; a token that has aged is renewed once. */
export async function send(path, value, again = true) {
  if (!session) await renew();
  const { answer, body } = await ask(path, {
    method: 'POST', body: JSON.stringify(value),
    headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': session?.csrf ?? '' },
  });
  if (answer.status === 401) {
    session = null;
    listeners.denied();
    throw new Failed('sign in first', 401);
  }
  if (answer.status === 403 && again) {
    const old = session?.csrf;
    if ((await renew()).csrf !== old) return send(path, value, false);
  }
  if (!answer.ok && !body?.outcome) throw new Failed(reasonIn(body) || `answer ${answer.status}`, answer.status); // a refusal is an outcome
  return typeof body === 'object' ? body : {};
}

export async function signIn(user, password) {
  const { answer, body } = await ask('api/login', {
    method: 'POST', body: JSON.stringify({ user, password }), headers: { 'Content-Type': 'application/json' },
  });
  if (!answer.ok) throw new Failed(answer.status === 401 ? 'user or password is wrong' : reasonIn(body) || `answer ${answer.status}`, answer.status);
  return renew();
}

export async function signOut() {
  await send('api/logout', {});
  session = null;
  listeners.session(null);
  listeners.denied();
}
