// What was invoked, the latest first, with payloads and logs.
import { html, useEffect, useRef, useState } from './vendor/htm-preact.js';
import { link, millis, pretty, time } from './format.js';
import { useAnswer } from './talk.js';

// what says on whose behalf something ran.
const what = (e) => e.route || e.source || (e.function ? 'Invoke API' : '–');

function Outcome({ entry }) {
  const good = entry.status ? entry.status < 400 && !entry.error : entry.outcome === 'ok';
  return html`<span class=${'tag ' + (good ? 'ok' : 'bad')}>${entry.status || entry.outcome}</span>`;
}

export function Invocations({ state, wanted }) {
  const [fn, setFn] = useState(state.functions.some((f) => f.id === wanted[0]) ? wanted[0] : '');
  const [text, setText] = useState(fn ? '' : wanted[0] ?? '');
  const [open, setOpen] = useState(null);
  const [held, setHeld] = useState(null);
  const latest = state.invocations[0];
  const filter = fn || text ? `invocations?function=${encodeURIComponent(fn)}&text=${encodeURIComponent(text)}` : '';
  const [answer, error] = useAnswer(held ? '' : filter, [latest?.at, latest?.id]);
  const shown = held ?? (filter ? answer?.invocations ?? [] : state.invocations);
  return html`
    <div class="bar">
      <label class="grow"><span class="sr">Filter</span><input type="search" placeholder="Filter: route, connection, text of a payload or log…" value=${text} onInput=${(e) => setText(e.target.value)} /></label>
      <label><span class="sr">Function</span><select value=${fn} onChange=${(e) => setFn(e.target.value)}>
        <option value="">All functions</option>${state.functions.map((f) => html`<option key=${f.id} value=${f.id}>${f.id}</option>`)}</select></label>
      <button aria-pressed=${held ? 'true' : 'false'} onClick=${() => setHeld(held ? null : shown)}>${held ? 'Go on' : 'Pause'}</button>
    </div>
    ${error && html`<p class="bad" role="alert">${error}</p>`}
    <div class=${open ? 'split' : ''}>
      ${open && html`<${Details} id=${open} onClose=${() => setOpen(null)} />`}
      <div class="panel list">${shown.length === 0
    ? html`<p class="empty">${filter ? 'Nothing matches the filter.' : 'Nothing has been invoked yet. Connect to the API, and it is here.'}</p>`
    : html`<${List} shown=${shown} open=${open} onOpen=${setOpen} />`}</div>
    </div>`;
}

function List({ shown, open, onOpen }) {
  return html`<table><thead><tr><th class="wide">Time</th><th>What</th><th class="wide">Function</th><th>Result</th><th class="num">Took</th><th class="wide start">Start</th></tr></thead>
    <tbody>${shown.map((e, i) => html`
      <tr class=${e.id ? 'row' : ''} key=${e.id || `${e.at} ${i}`} aria-current=${e.id && e.id === open ? 'true' : null} tabindex=${e.id ? 0 : null}
        onClick=${() => e.id && onOpen(e.id)} onKeyDown=${(k) => k.key === 'Enter' && e.id && onOpen(e.id)}>
        <td class="mono wide">${time(e.at)}</td>
        <td><span class="name">${what(e)}</span> <code class="dim">${e.connection}</code><div class="narrow dim">${time(e.at)}</div>${e.error && html`<div class="bad">${e.error}</div>`}</td>
        <td class="wide"><span class="name">${e.function || '–'}</span></td>
        <td><${Outcome} entry=${e} /></td>
        <td class="num">${millis(e.millis)}</td>
        <td class="wide start">${e.cold ? html`<span class="tag warn">cold ${millis(e.initMillis)}</span>` : e.id && html`<span class="dim">warm</span>`}</td>
      </tr>`)}</tbody></table>`;
}

function Details({ id, onClose }) {
  const [entry, error] = useAnswer(`invocations/${encodeURIComponent(id)}`);
  const section = useRef(null);
  useEffect(() => { section.current?.scrollIntoView({ block: 'nearest' }); }, [id]);
  return html`<section class="panel detail" aria-label="Invocation" ref=${section} onKeyDown=${(k) => k.key === 'Escape' && onClose()}>
    <div class="bar"><h2 class="grow">${entry ? what(entry) : html`<code>${id}</code>`}</h2><button onClick=${onClose}>Close</button></div>
    ${error && html`<p class="bad" role="alert">${error}</p>`}
    ${entry && html`
      <dl class="facts">
        <div><dt>Function</dt><dd>${entry.function}</dd></div>
        <div><dt>Result</dt><dd><${Outcome} entry=${entry} /> ${entry.outcome}</dd></div>
        <div><dt>Took</dt><dd>${millis(entry.millis)}${entry.cold && `, after a start of ${millis(entry.initMillis)}`}</dd></div>
        <div><dt>At</dt><dd>${time(entry.at)}</dd></div>
        ${entry.connection && html`<div><dt>Connection</dt><dd><a href=${link('connections', entry.connection)}><code>${entry.connection}</code></a></dd></div>`}
        <div><dt>Request id</dt><dd><code>${entry.id}</code></dd></div>
      </dl>
      ${entry.error && html`<p class="bad">${entry.error}</p>`}
      <h2>Logs</h2>${entry.lines ? html`<pre tabindex="0">${entry.lines}</pre>` : html`<p class="dim">It printed nothing.</p>`}
      <${Bytes} title="Payload" text=${entry.payload} size=${entry.payloadBytes} />
      <${Bytes} title="Response" text=${entry.response} size=${entry.responseBytes} />`}
  </section>`;
}

const kept = 8192; // of a payload, by the server

function Bytes({ title, text, size }) {
  return html`<h2>${title} <span class="dim">${size} bytes${size > kept && `, the first ${kept} of them`}</span></h2>
    ${text ? html`<pre tabindex="0">${pretty(text)}</pre>` : html`<p class="dim">None.</p>`}`;
}
