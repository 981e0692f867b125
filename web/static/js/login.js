// Who is it? Asked when the API answers 401, until somebody has signed in, here or in another window: what lies
// over the page hides its stop, so it goes as soon as a session is good.

import { $, show, text } from './dom.js';
import { onSession, renew, signIn, signOut } from './api.js';

const LOOK_EVERY = 2000; // ms

/** entered() is called when somebody has signed in; left() when a sign-in is wanted; stop() when it is for that;
 *  changed() when it is known anew who we are. */
export function openLogin({ entered, left, stop, changed }) {
  const dialog = $('login');
  const enter = () => {
    if (!dialog.open) return;
    $('login-password').value = '';
    dialog.close();
    entered();
  };
  onSession({
    denied() {
      left();
      if (!dialog.open) dialog.showModal();
    },
    session(s) {
      show($('user'), Boolean(s?.user));
      text($('user'), s?.user ? `${s.user} (${s.role})` : '');
      show($('signout'), Boolean(s?.user));
      changed();
    },
  });
  setInterval(() => { if (dialog.open && !document.hidden) renew().then(enter, () => {}); }, LOOK_EVERY);
  dialog.addEventListener('cancel', (e) => e.preventDefault());
  $('signout').addEventListener('click', () => signOut().catch(() => {}));
  $('login-form').addEventListener('submit', async (e) => {
    e.preventDefault();
    text($('login-error'), '');
    try {
      await signIn($('login-user').value, $('login-password').value);
      enter();
      if (e.submitter === $('login-stop')) stop();
    } catch (err) {
      text($('login-error'), `Not signed in: ${err.message}.`);
      $('login-password').select();
    }
  });
}
