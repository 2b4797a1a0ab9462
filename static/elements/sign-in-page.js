// Signing in, and asking for a new password.

import { safeReturn } from '../core/routes.js';
import { PageElement } from './app.js';
import { part, show, template } from './dom.js';
import { onSubmit } from './form.js';

const fill = template(`
  <section class="page narrow">
    <h1>Sign in</h1>
    <form data-part="form">
      <div class="field"><label for="email">E-mail</label><input id="email" name="email" type="email" autocomplete="username" required></div>
      <div class="field"><label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required></div>
      <p class="form-error" data-form-error role="alert" hidden></p>
      <button type="submit" class="primary">Sign in</button>
    </form>
    <p>New here? <a data-part="sign-up">Open an account</a></p>
    <details class="aside">
      <summary>Forgot your password?</summary>
      <form data-part="reset">
        <div class="field"><label for="reset-email">E-mail of your account</label><input id="reset-email" name="email" type="email" autocomplete="username" required></div>
        <p class="form-error" data-form-error role="alert" hidden></p>
        <button type="submit" class="secondary">Send me a link</button>
        <p role="status" data-part="sent" hidden>If there is such an account, a link is on its way.</p>
      </form>
    </details>
  </section>`);

/** `<sign-in-page>` */
export class SignInPage extends PageElement {
  connectedCallback() {
    this.heading = 'Sign in';
    fill(this);
    const back = this.route.query.get('return');
    part(this, 'sign-up', HTMLAnchorElement).href = back ? `/sign-up?return=${encodeURIComponent(back)}` : '/sign-up';
    onSubmit(part(this, 'form', HTMLFormElement), async (values) => {
      this.app.session.set(await this.app.rest.login(text(values, 'email'), text(values, 'password')));
      this.app.go(safeReturn(back));
    });
    onSubmit(part(this, 'reset', HTMLFormElement), async (values) => {
      await this.app.rest.askPasswordReset(text(values, 'email'));
      show(part(this, 'sent', HTMLElement), true);
    });
  }
}

/**
 * @param {FormData} values
 * @param {string} name
 */
function text(values, name) {
  return String(values.get(name) ?? '');
}

customElements.define('sign-in-page', SignInPage);
