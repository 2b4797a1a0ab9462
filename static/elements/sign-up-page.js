// Opening an account.

import { safeReturn } from '../core/routes.js';
import { PageElement } from './app.js';
import { part, template } from './dom.js';
import { onSubmit } from './form.js';

const fill = template(`
  <section class="page narrow">
    <h1>Open an account</h1>
    <p class="lead">One account bids and sells. Others in the room see you as a number, never by name.</p>
    <form data-part="form">
      <div class="field"><label for="display_name">Name</label><input id="display_name" name="display_name" autocomplete="nickname" required maxlength="60"></div>
      <div class="field"><label for="email">E-mail</label><input id="email" name="email" type="email" autocomplete="username" required></div>
      <div class="field"><label for="password">Password</label><input id="password" name="password" type="password" autocomplete="new-password" required minlength="10" aria-describedby="password-hint"><p class="hint" id="password-hint">At least 10 characters. A few words are fine.</p></div>
      <p class="form-error" data-form-error role="alert" hidden></p>
      <button type="submit" class="primary">Open account</button>
    </form>
    <p>Have one already? <a data-part="sign-in">Sign in</a></p>
  </section>`);

/** `<sign-up-page>` */
export class SignUpPage extends PageElement {
  connectedCallback() {
    this.heading = 'Open an account';
    fill(this);
    const back = this.route.query.get('return');
    part(this, 'sign-in', HTMLAnchorElement).href = back ? `/sign-in?return=${encodeURIComponent(back)}` : '/sign-in';
    onSubmit(part(this, 'form', HTMLFormElement), async (values) => {
      const [email = '', password = '', name = ''] = ['email', 'password', 'display_name'].map((field) => String(values.get(field) ?? ''));
      this.app.session.set(await this.app.rest.register(email, password, name));
      this.app.go(safeReturn(back));
    });
  }
}

customElements.define('sign-up-page', SignUpPage);
