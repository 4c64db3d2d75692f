// The console of the local runtime. It shows what the server sends, and nothing of it is ever taken for markup: htm makes
// elements, and texts stay texts.
import { html, render, useEffect, useMemo, useState } from './vendor/htm-preact.js';
import { Map } from './map.js';

const api = 'api/';

async function call(method, path, body) {
  const response = await fetch(api + path, { method, body, headers: method === 'GET' ? {} : { 'X-Console': '1' } });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

// useLive gives the latest state, and whether the runtime is there.
function useLive() {
  const [state, setState] = useState(null);
  const [online, setOnline] = useState(false);
  useEffect(() => {
    const source = new EventSource(api + 'live');
    source.onmessage = (event) => { setState(JSON.parse(event.data)); setOnline(true); };
    source.onerror = () => setOnline(false); // it tries again by itself
    return () => source.close();
  }, []);
  return [state, online];
}

const views = [['map', 'Map'], ['invocations', 'Invocations'], ['connections', 'Connections'], ['queues', 'Queues'], ['tables', 'Tables'], ['chaos', 'Chaos']];

// place is the view that the address names, and what it is to show: #tables/connection.
function place() {
  const [view, argument = ''] = location.hash.slice(1).split('/');
  return [view || 'map', decodeURIComponent(argument)];
}

function App() {
  const [state, online] = useLive();
  const [[view, argument], setView] = useState(place);
  useEffect(() => {
    const follow = () => setView(place());
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  if (!state) return html`<p class="empty">${online ? 'Loading…' : 'Waiting for the runtime…'}</p>`;
  return html`
    <header>
      <h1>${state.stack}</h1>
      <nav aria-label="Views">${views.map(([id, title]) => html`
        <button key=${id} aria-current=${view === id ? 'page' : null} onClick=${() => { location.hash = id; }}>${title}</button>`)}
      </nav>
      <span role="status" class=${'status' + (online ? '' : ' off')}>${online ? `${state.totalConnections} connected` : 'The runtime is gone'}</span>
    </header>
    <main>${{
      map: () => html`<div class="panel scroll"><${Map} state=${state} /></div>`,
      invocations: () => html`<${Invocations} state=${state} />`,
      connections: () => html`<${Connections} state=${state} />`,
      queues: () => html`<${Queues} state=${state} />`,
      tables: () => html`<${Tables} key=${argument} state=${state} wanted=${argument} />`,
      chaos: () => html`<${Chaos} state=${state} />`,
    }[view]?.() ?? html`<p class="empty">There is no such view.</p>`}</main>`;
}

const time = (text) => new Date(text).toLocaleTimeString([], { hour12: false }) + '.' + String(new Date(text).getMilliseconds()).padStart(3, '0');
const millis = (n) => (n >= 1000 ? `${(n / 1000).toFixed(2)} s` : `${n.toFixed(1)} ms`);

function Outcome({ entry }) {
  const good = entry.status ? entry.status < 400 && !entry.error : entry.outcome === 'ok';
  return html`<span class=${'tag ' + (good ? 'ok' : 'bad')}>${entry.status || entry.outcome}</span>`;
}

function Invocations({ state }) {
  const [text, setText] = useState('');
  const [fn, setFn] = useState('');
  const [open, setOpen] = useState(null);
  const shown = useMemo(() => (state.invocations ?? []).filter((e) => (!fn || e.function === fn)
    && (!text || `${e.route} ${e.connection} ${e.function} ${e.id} ${e.error} ${e.outcome}`.toLowerCase().includes(text.toLowerCase()))),
  [state.invocations, text, fn]);
  return html`
    <div class="bar">
      <label class="grow"><span class="sr">Filter</span><input style="width:100%" type="search" placeholder="Filter by route, connection, id…" value=${text} onInput=${(e) => setText(e.target.value)} /></label>
      <label><span class="sr">Function</span><select value=${fn} onChange=${(e) => setFn(e.target.value)}>
        <option value="">All functions</option>${state.functions.map((f) => html`<option key=${f.id}>${f.id}</option>`)}</select></label>
    </div>
    ${open && html`<${Details} id=${open} onClose=${() => setOpen(null)} />`}
    <div class="panel scroll">${shown.length === 0 ? html`<p class="empty">${state.invocations?.length ? 'Nothing matches the filter.' : 'No function has been invoked yet.'}</p>` : html`
      <table><thead><tr><th class="wide">Time</th><th>What</th><th class="wide">Function</th><th>Result</th><th class="num">Took</th><th class="wide">Start</th></tr></thead>
      <tbody>${shown.map((e, i) => html`
        <tr class="row" key=${e.id || i} tabindex=${e.id ? 0 : null} onClick=${() => e.id && setOpen(e.id)} onKeyDown=${(k) => k.key === 'Enter' && e.id && setOpen(e.id)}>
          <td class="mono wide">${time(e.at)}</td>
          <td>${e.route || 'event source'} <code class="dim">${e.connection}</code>${e.error && html`<div class="bad">${e.error}</div>`}</td>
          <td class="wide">${e.function || '–'}</td>
          <td><${Outcome} entry=${e} /></td>
          <td class="num">${millis(e.millis)}</td>
          <td class="wide">${e.cold ? html`<span class="tag warn">cold ${millis(e.initMillis)}</span>` : html`<span class="dim">warm</span>`}</td>
        </tr>`)}</tbody></table>`}
    </div>`;
}

const pretty = (text) => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; } };

function Details({ id, onClose }) {
  const [entry, setEntry] = useState(null);
  const [error, setError] = useState('');
  useEffect(() => {
    setEntry(null); setError('');
    call('GET', `invocations/${encodeURIComponent(id)}`).then(setEntry, (e) => setError(e.message));
  }, [id]);
  return html`<section class="panel" aria-label="Invocation">
    <div class="bar"><h2 class="grow" style="margin:0"><code>${id}</code></h2><button onClick=${onClose}>Close</button></div>
    ${error && html`<p class="bad" role="alert">${error}</p>`}
    ${entry && html`
      <div class="facts"><div>Function <b>${entry.function}</b></div><div>Took <b>${millis(entry.millis)}</b></div><div>Result <b>${entry.outcome}</b></div></div>
      <h2>Logs</h2><pre>${entry.lines || 'It printed nothing.'}</pre>
      <h2>Payload</h2><pre>${pretty(entry.payload)}</pre>
      <h2>Response</h2><pre>${pretty(entry.response) || 'None.'}</pre>`}
  </section>`;
}

function Connections({ state }) {
  const [text, setText] = useState('{"event":"hello"}');
  const [note, setNote] = useState('');
  const act = (promise, done) => promise.then(() => setNote(done), (e) => setNote(e.message));
  const open = state.connections ?? [];
  return html`
    <div class="bar"><label class="grow">Message to post<br /><textarea rows="2" style="width:100%" value=${text} onInput=${(e) => setText(e.target.value)}></textarea></label></div>
    <p role="status" class="dim">${note}</p>
    <div class="panel scroll">${open.length === 0 ? html`<p class="empty">Nobody is connected.</p>` : html`
      <table><thead><tr><th>Connection</th><th class="wide">Stage</th><th class="wide">From</th><th class="wide">Since</th><th>Last active</th><th></th></tr></thead>
      <tbody>${open.map((c) => html`<tr key=${c.id}>
        <td><a href=${`#tables/${encodeURIComponent(c.id)}`} title="The items that name it: its groups, for example"><code>${c.id}</code></a></td><td class="wide">${c.stage}</td><td class="wide">${c.sourceIp}<div class="dim">${c.userAgent.slice(0, 60)}</div></td>
        <td class="mono wide">${time(c.connectedAt)}</td><td class="mono">${time(c.lastActiveAt)}</td>
        <td><div class="bar" style="margin:0">
          <button onClick=${() => act(call('POST', `connections/${encodeURIComponent(c.id)}`, text), `Posted to ${c.id}`)}>Post</button>
          <button class="danger" onClick=${() => act(call('DELETE', `connections/${encodeURIComponent(c.id)}`), `Closed ${c.id}`)}>Close</button>
        </div></td></tr>`)}</tbody></table>
      ${state.totalConnections > open.length && html`<p class="dim">The first ${open.length} of ${state.totalConnections}.</p>`}`}
    </div>`;
}

function Queues({ state }) {
  if (state.queues.length === 0) return html`<p class="empty">The template has no queues.</p>`;
  return html`<div class="grid">${state.queues.map((q) => html`<${Queue} key=${q.id} queue=${q} />`)}</div>`;
}

function Queue({ queue }) {
  const [messages, setMessages] = useState(null);
  const [note, setNote] = useState('');
  const look = () => call('GET', `queues/${encodeURIComponent(queue.name)}`).then((a) => { setMessages(a.messages); setNote(''); }, (e) => setNote(e.message));
  const redrive = () => call('POST', `queues/${encodeURIComponent(queue.name)}/redrive`).then((a) => { setMessages(null); setNote(`${a.moved} moved back to ${queue.deadOf}`); }, (e) => setNote(e.message));
  return html`<section class="panel">
    <h2>${queue.id}</h2>
    <div class="facts"><div><b>${queue.visible}</b> waiting</div><div><b>${queue.inFlight}</b> in flight</div><div><b>${queue.delayed}</b> delayed</div></div>
    <p class="dim">${queue.to ? `Invokes ${queue.to}.` : queue.deadOf ? `Dead letters of ${queue.deadOf}.` : 'No function reads it.'}</p>
    ${!queue.to && html`<div class="bar"><button onClick=${look}>Look at messages</button>
      ${queue.deadOf && html`<button disabled=${queue.visible === 0} onClick=${redrive}>Redrive all</button>`}</div>
      <p class="dim">A look counts as a receive.</p>`}
    <p role="status">${note}</p>
    ${messages && (messages.length === 0 ? html`<p class="dim">It is empty.</p>` : messages.map((m) => html`<div key=${m.id}>
      ${Object.entries(m.attributes).map(([k, v]) => html`<div key=${k}><span class="dim">${k}:</span> <code>${v}</code></div>`)}
      <pre>${pretty(m.body)}</pre></div>`))}
  </section>`;
}

function Tables({ state, wanted }) {
  const [name, setName] = useState(state.tables[0]?.name ?? '');
  const [text, setText] = useState(wanted);
  const [answer, setAnswer] = useState(null);
  const [error, setError] = useState('');
  const load = () => name && call('GET', `tables/${encodeURIComponent(name)}`).then((a) => { setAnswer(a); setError(''); }, (e) => setError(e.message));
  const items = state.tables.find((t) => t.name === name)?.items;
  useEffect(() => { load(); }, [name, items]);
  if (state.tables.length === 0) return html`<p class="empty">The template has no tables.</p>`;
  const rows = (answer?.items ?? []).filter((item) => !text || JSON.stringify(item).includes(text));
  const columns = [...new Set(rows.flatMap(Object.keys))];
  return html`
    <div class="bar">
      <label><span class="sr">Table</span><select value=${name} onChange=${(e) => setName(e.target.value)}>${state.tables.map((t) => html`<option key=${t.name} value=${t.name}>${t.id}</option>`)}</select></label>
      <label class="grow"><span class="sr">Filter</span><input style="width:100%" type="search" placeholder="Filter, by a connection's id for example" value=${text} onInput=${(e) => setText(e.target.value)} /></label>
      <button onClick=${load}>Read again</button>
    </div>
    ${error && html`<p class="bad" role="alert">${error}</p>`}
    <div class="panel scroll">${rows.length === 0 ? html`<p class="empty">No items.</p>` : html`
      <table><thead><tr>${columns.map((c) => html`<th key=${c}>${c}</th>`)}</tr></thead>
      <tbody>${rows.map((item, i) => html`<tr key=${i}>${columns.map((c) => html`<td key=${c}><code>${item[c] === undefined ? '' : typeof item[c] === 'string' ? item[c] : JSON.stringify(item[c])}</code></td>`)}</tr>`)}</tbody></table>
      ${answer.more && html`<p class="dim">The first items only.</p>`}`}</div>`;
}

const explained = {
  'lose-disconnect': '$disconnect is not called', reorder: 'frames pass each other, in and out', cut: 'a connection is closed after a frame, with 1001',
  'post-410': 'a post finds the connection gone', 'post-429': 'a post is throttled', 'post-500': 'a post fails before anything was sent',
  'post-lost': 'a post fails after the frame was sent', kill: 'a function is killed in the middle', cold: 'an invocation starts a new process',
  'duplicate-sqs': 'a batch is delivered twice', 'delay-sqs': 'a batch waits before it is delivered',
};

function Chaos({ state }) {
  const [note, setNote] = useState('');
  if (!state.chaos) return html`<p class="empty">Chaos is not available.</p>`;
  const set = (name, rate) => call('PUT', `chaos/${name}`, JSON.stringify({ rate })).then(() => setNote(''), (e) => setNote(e.message));
  return html`<div class="panel"><h2>Faults, by probability</h2><p role="status" class="bad">${note}</p><div class="grid">
    ${Object.keys(explained).map((name) => html`<div class="slider" key=${name}>
      <label for=${name}>${name} <span class="dim">${state.chaos.injected[name] ? `${state.chaos.injected[name]} so far` : ''}</span></label>
      <b class="num">${((state.chaos.rates[name] ?? 0) * 100).toFixed(0)} %</b>
      <input id=${name} type="range" min="0" max="1" step="0.01" value=${state.chaos.rates[name] ?? 0} onChange=${(e) => set(name, Number(e.target.value))} style="grid-column:1/-1" />
      <small>${explained[name]}</small></div>`)}
  </div></div>`;
}

render(html`<${App} />`, document.getElementById('root'));
