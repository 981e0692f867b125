// Who is it? Asked when the API answers 401.

import { $, show, text } from './dom.js';
import { onSession, signIn, signOut } from './api.js';

/** entered() is called when somebody has signed in; left() when a sign-in is wanted. */
export function openLogin({ entered, left }) {
  const dialog = $('login');
  onSession({
    denied() {
      left();
      if (!dialog.open) dialog.showModal();
    },
    session(s) {
      show($('user'), Boolean(s?.user));
      text($('user'), s?.user ? `${s.user} (${s.role})` : '');
      show($('signout'), Boolean(s?.user));
    },
  });
  dialog.addEventListener('cancel', (e) => e.preventDefault());
  $('signout').addEventListener('click', () => signOut().catch(() => {}));
  $('login-form').addEventListener('submit', async (e) => {
    e.preventDefault();
    text($('login-error'), '');
    try {
      await signIn($('login-user').value, $('login-password').value);
      $('login-password').value = '';
      dialog.close();
      entered();
    } catch (err) {
      text($('login-error'), `Not signed in: ${err.message}.`);
      $('login-password').select();
    }
  });
}
