// How values look.
import { html } from './vendor/htm-preact.js';

export const time = (text) => {
  const at = new Date(text);
  return `${at.toLocaleTimeString('en-GB')}.${String(at.getMilliseconds()).padStart(3, '0')}`;
};

export const millis = (n) => (n >= 1000 ? `${(n / 1000).toFixed(2)} s` : `${n.toFixed(1)} ms`);

export const count = (n) => (n >= 1e6 ? `${(n / 1e6).toFixed(1)}M` : n >= 1e4 ? `${(n / 1e3).toFixed(0)}k` : String(n));

export const pretty = (text) => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; } };

// marked shows where in a text another is.
export function marked(text, wanted) {
  if (!wanted) return text;
  return text.split(wanted).flatMap((part, i) => (i === 0 ? [part] : [html`<mark>${wanted}</mark>`, part]));
}

export const link = (...parts) => '#' + parts.map(encodeURIComponent).join('/');
