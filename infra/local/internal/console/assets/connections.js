// Who is connected. One can be posted to and closed; what the tables say of one is shown, whatever the application is.
import { html, useState } from './vendor/htm-preact.js';
import { link, time } from './format.js';
import { Items } from './tables.js';
import { call } from './talk.js';

export function Connections({ state, wanted }) {
  const [text, setText] = useState('{"event":"hello"}');
  const [note, setNote] = useState('');
  const act = (promise, done) => promise.then(() => setNote(done), (e) => setNote(e.message));
  const open = state.connections;
  const selected = wanted[0];
  return html`
    ${selected && html`<${Selected} id=${selected} state=${state} />`}
    ${open.length === 0 ? html`<div class="panel"><p class="empty">Nobody is connected. ${state.apis.flatMap((a) => a.urls).map((url) => html`<br /><code key=${url}>${url}</code>`)}</p></div>` : html`
      <label>Message to post<textarea rows="2" value=${text} onInput=${(e) => setText(e.target.value)}></textarea></label>
      <p role="status" class="dim">${note}</p>
      <div class="panel"><table class="cards"><thead><tr><th>Connection</th><th>Stage</th><th>From</th><th>Since</th><th>Last active</th><th></th></tr></thead>
      <tbody>${open.map((c) => html`<tr key=${c.id} aria-current=${c.id === selected ? 'true' : null}>
        <td data-label="Connection"><a href=${link('connections', c.id)}><code>${c.id}</code></a></td>
        <td data-label="Stage">${state.apis.length > 1 && `${c.api} / `}${c.stage}</td>
        <td data-label="From"><div>${c.sourceIp}<div class="dim">${c.userAgent.slice(0, 60)}</div></div></td>
        <td data-label="Since" class="mono">${time(c.connectedAt)}</td><td data-label="Last active" class="mono">${time(c.lastActiveAt)}</td>
        <td><div class="bar tight">
          <button onClick=${() => act(call('POST', `connections/${encodeURIComponent(c.id)}`, text), `Posted to ${c.id}`)}>Post</button>
          <button class="danger" onClick=${() => act(call('DELETE', `connections/${encodeURIComponent(c.id)}`), `Closed ${c.id}`)}>Close</button>
        </div></td></tr>`)}</tbody></table>
      ${state.totalConnections > open.length && html`<p class="dim">The first ${open.length} of ${state.totalConnections}.</p>`}</div>`}`;
}

function Selected({ id, state }) {
  const there = state.connections.some((c) => c.id === id);
  return html`<section class="panel" aria-label="Connection">
    <div class="bar"><h2 class="grow"><code>${id}</code> ${!there && html`<span class="tag warn">not open</span>`}</h2>
      <a href=${link('invocations', id)}>Its invocations</a> <a href="#connections" aria-label="Back to all connections">All</a></div>
    ${state.tables.length === 0 && html`<p class="dim">The template has no tables to find it in.</p>`}
    ${state.tables.map((t) => html`<h2 key=${t.name}>In ${t.id}</h2><${Items} table=${t} text=${id} empty="No item names it." />`)}
  </section>`;
}
