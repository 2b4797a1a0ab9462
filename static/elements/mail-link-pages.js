// The two pages that links in mails lead to: a new password, a confirmed address. Each takes its token from the address
// once and removes it there, so that it stays in no history and goes to no other page.

import { problemWords } from '../core/codes.js';
import { Problem } from '../net/rest.js';
import { PageElement } from './app.js';
import { part, setText, show, template } from './dom.js';
import { onSubmit } from './form.js';

const fillReset = template(`
  <section class="page narrow">
    <h1>Choose a new password</h1>
    <form data-part="form">
      <div class="field"><label for="password">New password</label><input id="password" name="password" type="password" autocomplete="new-password" required minlength="10" aria-describedby="password-hint"><p class="hint" id="password-hint">At least 10 characters. All other devices are signed out.</p></div>
      <p class="form-error" data-form-error role="alert" hidden></p>
      <button type="submit" class="primary">Set password</button>
    </form>
    <p data-part="done" role="status" hidden>Your password is changed. <a href="/sign-in">Sign in</a></p>
  </section>`);
const fillConfirm = template('<section class="page narrow"><h1>Your e-mail address</h1><p data-part="note" role="status">Confirming…</p><p><a href="/">To the auctions</a></p></section>');

/** `<reset-password-page>` */
export class ResetPasswordPage extends PageElement {
  connectedCallback() {
    this.heading = 'New password';
    fillReset(this);
    const token = takeToken(this.route);
    const form = part(this, 'form', HTMLFormElement);
    onSubmit(form, async (values) => {
      await this.app.rest.confirmPasswordReset(token, String(values.get('password') ?? ''));
      show(form, false);
      show(part(this, 'done', HTMLElement), true);
    });
  }
}

/** `<confirm-email-page>` */
export class ConfirmEmailPage extends PageElement {
  connectedCallback() {
    this.heading = 'Confirm e-mail';
    fillConfirm(this);
    this.#confirm(takeToken(this.route));
  }

  /** @param {string} token */
  async #confirm(token) {
    const note = part(this, 'note', HTMLElement);
    try {
      await this.app.rest.confirmEmail(token);
      setText(note, 'Thank you, the address is confirmed.');
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setText(note, problemWords(error));
    }
  }
}

/** @param {import('../core/routes.js').Route} route */
function takeToken(route) {
  const token = route.query.get('token') ?? '';
  window.history.replaceState(null, '', window.location.pathname);
  return token;
}

customElements.define('reset-password-page', ResetPasswordPage);
customElements.define('confirm-email-page', ConfirmEmailPage);
