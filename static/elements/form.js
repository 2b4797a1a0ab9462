// What all forms share: one submit at a time, and problems shown at the field they belong to.

import { problemWords } from '../core/codes.js';
import { Problem } from '../net/rest.js';
import { setText, show } from './dom.js';

/** Which field a problem without a field name is about. @type {Record<string, string>} */
const FIELD_OF_CODE = { email_taken: 'email', invalid_email: 'email', weak_password: 'password', invalid_display_name: 'display_name' };
/** Codes whose field has another name in forms than at the hub. @type {Record<string, string>} */
const FIELD_INSTEAD = { unknown_image: 'image' };

/**
 * Runs `send` when the form is submitted, shows its problems, and lets the form be sent once at a time. The form holds
 * an element with `data-form-error` for what belongs to no field.
 * @param {HTMLFormElement} form
 * @param {(values: FormData) => Promise<void>} send
 */
export function onSubmit(form, send) {
  form.noValidate = true;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.dataset.busy) return;
    clearProblems(form);
    if (!showInvalid(form)) return;
    form.dataset.busy = 'true';
    setBusy(form, true);
    try {
      await send(new FormData(form));
    } catch (error) {
      showProblem(form, error);
    } finally {
      delete form.dataset.busy;
      setBusy(form, false);
    }
  });
}

/**
 * Shows words at a field, or at the form when it has no such field.
 * @param {HTMLFormElement} form
 * @param {string|null} field
 * @param {string} words
 */
export function showFieldProblem(form, field, words) {
  const input = field ? form.elements.namedItem(field) : null;
  if (input instanceof HTMLElement && input.id) {
    input.setAttribute('aria-invalid', 'true');
    const note = form.querySelector(`#${CSS.escape(input.id)}-error`) ?? newNote(input);
    setText(note, words);
    input.focus();
    return;
  }
  const note = form.querySelector('[data-form-error]');
  if (!(note instanceof HTMLElement)) return;
  setText(note, words);
  show(note, true);
}

/**
 * Takes back what is said at one field.
 * @param {HTMLFormElement} form
 * @param {string} field
 */
export function clearFieldProblem(form, field) {
  const input = form.elements.namedItem(field);
  if (!(input instanceof HTMLElement)) return;
  input.removeAttribute('aria-invalid');
  const note = form.querySelector(`#${CSS.escape(input.id)}-error`);
  if (note) setText(note, '');
}

/** @param {HTMLFormElement} form */
export function clearProblems(form) {
  for (const note of form.querySelectorAll('.field-error')) note.textContent = '';
  for (const input of form.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
  const note = form.querySelector('[data-form-error]');
  if (note instanceof HTMLElement) show(note, false);
}

/**
 * @param {HTMLFormElement} form
 * @param {unknown} error
 */
function showProblem(form, error) {
  if (!(error instanceof Problem)) throw error;
  const field = FIELD_INSTEAD[error.code] ?? error.field ?? FIELD_OF_CODE[error.code] ?? null;
  showFieldProblem(form, field, problemWords(error));
}

/**
 * The browser's own checks, with its words, at the first field that fails.
 * @param {HTMLFormElement} form
 * @returns {boolean} whether all fields are good
 */
function showInvalid(form) {
  const invalid = form.querySelector('input:invalid, textarea:invalid, select:invalid');
  if (!(invalid instanceof HTMLInputElement || invalid instanceof HTMLTextAreaElement || invalid instanceof HTMLSelectElement)) return true;
  showFieldProblem(form, invalid.name, invalid.validationMessage);
  return false;
}

/** @param {HTMLElement} input */
function newNote(input) {
  const note = document.createElement('p');
  note.className = 'field-error';
  note.id = `${input.id}-error`;
  note.setAttribute('role', 'alert');
  const described = [input.getAttribute('aria-describedby'), note.id].filter(Boolean).join(' ');
  input.setAttribute('aria-describedby', described);
  (input.closest('.field') ?? input).append(note);
  return note;
}

/**
 * @param {HTMLFormElement} form
 * @param {boolean} isBusy
 */
function setBusy(form, isBusy) {
  for (const button of form.querySelectorAll('button[type="submit"]')) {
    if (button instanceof HTMLButtonElement) button.disabled = isBusy;
  }
}
