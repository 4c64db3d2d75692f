// The template as a picture: routes and schedules on the left, functions in the middle, tables and queues on the right.
import { html, useEffect, useRef, useState } from './vendor/htm-preact.js';
import { count, link } from './format.js';

const top = 26;
const step = 58;
const height = 44;

// measures are how wide nodes and gaps are. The font is never scaled, so a narrow window gets narrow nodes.
function measures(width) {
  const room = width < 560 ? 16 : 24; // for the arrows of dead letters, on the right
  const gap = Math.max(28, width * 0.14 - 20);
  const node = (width - room - 2 * gap) / 3;
  const small = node < 150;
  return { node, room, columns: [1, 1 + node + gap, 1 + 2 * (node + gap)], small, letters: Math.floor((node - 12) / (small ? 6 : 7.4)) };
}

// lines breaks a name where a person would, into two lines at most.
function lines(name, letters) {
  if (name.length <= letters) return [name];
  const parts = name.split(/(?<=[-_./ ])|(?<=[a-z0-9])(?=[A-Z])/);
  let first = parts.shift();
  while (parts.length > 0 && (first + parts[0]).length <= letters) first += parts.shift();
  const cut = (s) => (s.length > letters ? s.slice(0, letters - 1) + '…' : s);
  return parts.length > 0 ? [cut(first), cut(parts.join(''))] : [cut(first)];
}

// boxes gives the nodes of each column.
function boxes(state, small) {
  const many = state.apis.length > 1;
  const routes = state.apis.flatMap((a) => a.routes.map((r) => ({
    id: `route ${a.id} ${r.key}`, kind: 'route', title: r.key, href: link('invocations', r.key),
    sub: [many && a.id, r.type !== 'AWS_PROXY' && r.type].filter(Boolean).join(', '),
  })));
  const schedules = state.schedules.map((s) => ({ id: `schedule ${s.id}`, kind: 'schedule', title: s.id, sub: s.expression, href: link('invocations', s.id) }));
  const called = state.links.filter((l) => l.to.startsWith('fn ')).map((l) => l.to);
  const rank = (f) => (called.includes(`fn ${f.id}`) ? called.indexOf(`fn ${f.id}`) : called.length);
  const functions = [...state.functions].sort((a, b) => rank(a) - rank(b)).map((f) => {
    const [calls, failed] = [state.counts.functions[f.id] ?? 0, state.counts.failures[f.id] ?? 0];
    return { id: `fn ${f.id}`, kind: 'fn', title: f.id, bad: failed > 0, href: link('invocations', f.id), sub: `${count(calls)} ${calls === 1 ? 'run' : 'runs'}${failed ? `, ${count(failed)} failed` : ''}` };
  });
  const tables = state.tables.map((t) => ({ id: `table ${t.id}`, kind: 'table', title: t.id, sub: t.items < 0 ? 'table' : `${small ? '' : 'table, '}${count(t.items)} ${t.items === 1 ? 'item' : 'items'}`, href: link('tables', t.name) }));
  const queues = state.queues.map((q) => ({ id: `queue ${q.id}`, kind: 'queue', title: q.id, bad: q.sources.length > 0 && q.visible > 0, sub: `${small ? '' : 'queue, '}${count(q.visible)} waiting${!small && q.inFlight ? `, ${count(q.inFlight)} in flight` : ''}`, href: link('queues', q.id) }));
  return [[...routes, ...schedules], functions, [...tables, ...queues]];
}

// layout gives each node its place. The last column, which has few, stands in the middle.
function layout(state, m) {
  const columns = boxes(state, m.small);
  const rows = Math.max(...columns.map((c) => c.length), 1);
  const nodes = columns.flatMap((column, i) => column.map((n, row) => ({
    ...n, x: m.columns[i], y: top + (row + (i === 2 ? (rows - column.length) / 2 : 0)) * step, lines: lines(n.title, m.letters),
  })));
  return { nodes, height: top + rows * step };
}

// path draws an arrow, and says where its count stands.
function path(a, b, kind, m) {
  const middle = height / 2;
  if (kind === 'dead') { // down the right side of the same column
    const [x, from, to] = [a.x + m.node, a.y + middle, b.y + middle];
    return { d: `M${x} ${from} C${x + m.room + 2} ${from} ${x + m.room + 2} ${to} ${x + 3} ${to}`, x: x + m.room, y: (from + to) / 2 };
  }
  const back = a.x > b.x;
  const [x1, x2] = back ? [a.x, b.x + m.node + 4] : [a.x + m.node, b.x - 4];
  const [y1, y2] = back ? [a.y + middle + 12, b.y + middle + 12] : [a.y + middle, b.y + middle];
  const bend = (x2 - x1) / 2;
  return { d: `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`, x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
}

function useWidth() {
  const box = useRef(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return [box, width];
}

const meanings = { route: 'invokes', authorizer: 'asks', schedule: 'invokes', mapping: 'invokes', dead: 'dead letters to', uses: 'is told of' };

export function Map({ state }) {
  const [box, width] = useWidth();
  const [near, setNear] = useState(null);
  return html`<div class="panel">
    <div ref=${box} class=${'map' + (near ? ' near' : '')}>${width > 0 && html`<${Picture} state=${state} width=${width} near=${near} onNear=${setNear} />`}</div>
    <p class="dim legend">A full line invokes; the number is how often since the start. A dotted line asks an authorizer, a dashed one is
      for dead letters, a faint one leads to what a function's environment names.</p>
  </div>`;
}

function Picture({ state, width, near, onNear }) {
  const m = measures(width);
  const { nodes, height: total } = layout(state, m);
  const at = Object.fromEntries(nodes.map((n) => [n.id, n]));
  const arrows = state.links.filter((l) => at[l.from] && at[l.to]).map((l) => ({ ...l, ...path(at[l.from], at[l.to], l.kind, m), hot: near === l.from || near === l.to }));
  arrows.sort((a, b) => (b.kind === 'uses') - (a.kind === 'uses')); // the faint ones lie below
  const heads = ['Routes', 'Functions', 'Tables and queues'].map((t, i) => (m.small && i === 2 ? 'Stores' : t));
  return html`<svg width=${width} height=${total} role="group" aria-label="Routes, functions, tables and queues of the template">
    <defs>${['plain', 'live', 'faint'].map((k) => html`<marker key=${k} id=${k} class=${k} viewBox="0 0 8 8" refX="5" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L8 4 L0 8 z" /></marker>`)}</defs>
    ${heads.map((t, i) => html`<text key=${t} class="head" x=${m.columns[i]} y="12">${t}</text>`)}
    ${arrows.map((l) => { const look = l.kind === 'uses' ? 'faint' : l.count > 0 ? 'live' : 'plain'; return html`<path key=${l.kind + l.from + l.to} class=${`arrow ${l.kind} ${look}${l.hot ? ' hot' : ''}`} d=${l.d} marker-end=${`url(#${look})`}>
      <title>${l.from} ${meanings[l.kind]} ${l.to}</title></path>`; })}
    ${arrows.filter((l) => l.count > 0).map((l) => html`<${Count} key=${l.kind + l.from + l.to} arrow=${l} />`)}
    ${nodes.map((n) => html`<${Node} key=${n.id} node=${n} m=${m} onNear=${onNear} />`)}
  </svg>`;
}

function Count({ arrow }) {
  const text = count(arrow.count);
  const width = text.length * 7 + 6;
  return html`<g class="count"><rect x=${arrow.x - width / 2} y=${arrow.y - 8} width=${width} height="16" rx="8" /><text x=${arrow.x} y=${arrow.y + 4} text-anchor="middle">${text}</text></g>`;
}

function Node({ node, m, onNear }) {
  const rows = node.lines.length === 1 && node.sub ? [node.lines[0], node.sub] : node.lines;
  const three = node.lines.length === 2 && node.sub;
  const first = three ? 14 : rows.length === 2 ? 19 : 27;
  const sub = (s) => (s.length > m.letters + 3 ? s.slice(0, m.letters + 2) + '…' : s);
  return html`<a href=${node.href} class=${`node ${node.kind}${node.bad ? ' bad' : ''}${m.small ? ' small' : ''}`} aria-label=${`${node.kind} ${node.title} ${node.sub}`}
    onMouseEnter=${() => onNear(node.id)} onMouseLeave=${() => onNear(null)} onFocus=${() => onNear(node.id)} onBlur=${() => onNear(null)}>
    <title>${node.title}</title>
    <rect x=${node.x} y=${node.y} width=${m.node} height=${height} rx="8" />
    ${node.lines.map((line, i) => html`<text key=${i} x=${node.x + 6} y=${node.y + first + i * 12}>${line}</text>`)}
    ${node.sub && html`<text class="sub" x=${node.x + 6} y=${node.y + (three ? 39 : 35)}>${sub(node.sub)}</text>`}
  </a>`;
}
