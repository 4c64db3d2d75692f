// How full the queues are, and what ended as a dead letter.
import { html, useState } from './vendor/htm-preact.js';
import { pretty } from './format.js';
import { call } from './talk.js';

export function Queues({ state, wanted }) {
  if (state.queues.length === 0) return html`<p class="empty">The template has no queues.</p>`;
  return html`<div class="grid">${state.queues.map((q) => html`<${Queue} key=${q.id} queue=${q} wanted=${q.id === wanted[0]} />`)}</div>`;
}

function purpose(queue) {
  if (queue.to.length > 0) return `Invokes ${queue.to.join(', ')}.`;
  return queue.sources.length > 0 ? `Dead letters of ${queue.sources.join(', ')}.` : 'No function reads it.';
}

function Queue({ queue, wanted }) {
  const [messages, setMessages] = useState(null);
  const [note, setNote] = useState('');
  const path = `queues/${encodeURIComponent(queue.name)}`;
  const look = () => call('GET', path).then((a) => { setMessages(a.messages); setNote(''); }, (e) => setNote(e.message));
  const redrive = () => call('POST', `${path}/redrive`).then((a) => { setMessages(null); setNote(`${a.moved} moved back to ${queue.sources.join(', ')}`); }, (e) => setNote(e.message));
  return html`<section class="panel" aria-label=${queue.id} aria-current=${wanted ? 'true' : null}>
    <h2>${queue.id}</h2>
    <dl class="facts numbers"><div><dt>waiting</dt><dd class=${queue.sources.length > 0 && queue.visible > 0 ? 'bad' : ''}>${queue.visible}</dd></div>
      <div><dt>in flight</dt><dd>${queue.inFlight}</dd></div><div><dt>delayed</dt><dd>${queue.delayed}</dd></div></dl>
    <p class="dim">${purpose(queue)}</p>
    ${queue.to.length === 0 && html`<div class="bar"><button onClick=${look}>Look at messages</button>
      ${queue.sources.length > 0 && html`<button disabled=${queue.visible === 0} onClick=${redrive}>Redrive all</button>`}</div>
      <p class="dim">A look is a receive: it counts as one, and hides the messages for a moment.</p>`}
    <p role="status">${note}</p>
    ${messages && (messages.length === 0 ? html`<p class="dim">It is empty.</p>` : messages.map((m) => html`<div key=${m.id}>
      <div class="dim"><code>${m.id}</code></div>
      ${Object.entries(m.attributes).map(([k, v]) => html`<div key=${k}><span class="dim">${k}:</span> <code>${v}</code></div>`)}
      <pre tabindex="0">${pretty(m.body)}</pre></div>`))}
  </section>`;
}
