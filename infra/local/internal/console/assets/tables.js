// What is in the tables.
import { html, useState } from './vendor/htm-preact.js';
import { marked } from './format.js';
import { useAnswer } from './talk.js';

export function Tables({ state, wanted }) {
  const [name, setName] = useState(wanted[0] || state.tables[0]?.name);
  const [text, setText] = useState(wanted[1] ?? '');
  const table = state.tables.find((t) => t.name === name);
  if (state.tables.length === 0) return html`<p class="empty">The template has no tables.</p>`;
  return html`
    <div class="bar">
      <label><span class="sr">Table</span><select value=${name} onChange=${(e) => setName(e.target.value)}>${state.tables.map((t) => html`<option key=${t.name} value=${t.name}>${t.id}${t.items >= 0 ? ` (${t.items})` : ''}</option>`)}</select></label>
      <label class="grow"><span class="sr">Items that contain</span><input type="search" placeholder="Items that contain, for example a connection's id" value=${text} onInput=${(e) => setText(e.target.value)} /></label>
    </div>
    <div class="panel">${table ? html`<${Items} table=${table} text=${text} onPick=${setText} empty=${text ? 'No item contains that.' : 'It is empty.'} />` : html`<p class="empty">There is no such table.</p>`}</div>`;
}

const shown = (value) => (value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value));

// Items are those of a table that contain a text, its keys first.
export function Items({ table, text, empty, onPick }) {
  const [answer, error] = useAnswer(`tables/${encodeURIComponent(table.name)}?contains=${encodeURIComponent(text)}`, [table.items]);
  if (error) return html`<p class="bad" role="alert">${error}</p>`;
  if (!answer) return html`<p class="dim">Reading…</p>`;
  const facets = onPick ? Object.entries(answer.facets).sort() : [];
  const counts = facets.length > 0 && html`<div class="facets">${facets.map(([name, values]) => html`<div key=${name}><span class="dim">${name}</span>
    ${Object.entries(values).sort((a, b) => b[1] - a[1]).map(([value, n]) => html`<button key=${value} aria-pressed=${value === text} onClick=${() => onPick(value === text ? '' : value)}>${value} <b>${n}</b></button>`)}</div>`)}</div>`;
  if (answer.items.length === 0) return html`<p class="empty">${empty}</p>`;
  const columns = [...new Set([...table.keys, ...answer.items.flatMap(Object.keys).sort()])];
  return html`${counts}<div class="scroll"><table class="cards"><thead><tr>${columns.map((c) => html`<th key=${c} scope="col">${c}${table.keys.includes(c) && html` <span class="tag">key</span>`}</th>`)}</tr></thead>
    <tbody>${answer.items.map((item, i) => html`<tr key=${i}>${columns.map((c) => html`<td key=${c} data-label=${c}><code>${marked(shown(item[c]), text)}</code></td>`)}</tr>`)}</tbody></table></div>
    ${answer.more && html`<p class="dim">The first ${answer.items.length}${text ? ` among ${answer.searched}` : ''}; there are more.</p>`}`;
}
