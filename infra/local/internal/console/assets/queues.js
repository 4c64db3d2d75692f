// How full the queues are, and what ended as a dead letter.
import { html, useEffect, useState } from './vendor/htm-preact.js';
import { pretty } from './format.js';
import { call } from './talk.js';

export function Queues({ state, wanted }) {
  if (state.queues.length === 0) return html`<p class="empty">The template has no queues.</p>`;
  return html`<div class="grid">${state.queues.map((q) => html`<${Queue} key=${q.id} queue=${q} counts=${state.counts.functions} wanted=${q.id === wanted[0]} />`)}</div>`;
}

function purpose(queue) {
  if (queue.to.length > 0) return `Invokes ${queue.to.join(', ')}.`;
  return queue.sources.length > 0 ? `Dead letters of ${queue.sources.join(', ')}.` : 'No function reads it.';
}

// For each function how often it was invoked, at most twice a second, for the last minute.
const history = new Map();
const minute = 60_000;

// remember notes a count, and gives how many invocations a second there were in each of the last minute's parts.
function remember(name, count, now = Date.now()) {
  const seen = history.get(name) ?? [];
  if (seen.length === 0 || now - seen.at(-1).at >= 500) seen.push({ at: now, count });
  while (seen.length > 0 && now - seen[0].at > minute) seen.shift();
  history.set(name, seen);
  return seen.slice(1).map((s, i) => (1000 * (s.count - seen[i].count)) / (s.at - seen[i].at));
}

// Sparkline draws what a queue's functions did in the last minute.
function Sparkline({ names, counts }) {
  const [, redraw] = useState(0);
  useEffect(() => { const timer = setInterval(() => redraw((n) => n + 1), 1000); return () => clearInterval(timer); }, []);
  const rates = names.map((name) => remember(name, counts[name] ?? 0)).reduce((a, b) => (a.length >= b.length ? a : b), []);
  const top = Math.max(1, ...rates);
  const points = rates.map((r, i) => `${(i * 100) / Math.max(1, rates.length - 1)},${24 - (22 * r) / top}`).join(' ');
  const now = rates.at(-1) ?? 0;
  return html`<figure class="spark"><svg viewBox="0 0 100 26" preserveAspectRatio="none" role="img" aria-label=${`Batches a second in the last minute: now ${now.toFixed(1)}, at most ${Math.max(0, ...rates).toFixed(1)}`}>
    <polyline points=${points || '0,24 100,24'} fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke" /></svg>
    <figcaption class="dim">${now.toFixed(1)} batches a second</figcaption></figure>`;
}

function Queue({ queue, counts, wanted }) {
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
    ${queue.to.length > 0 && html`<${Sparkline} names=${queue.to} counts=${counts} />`}
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
