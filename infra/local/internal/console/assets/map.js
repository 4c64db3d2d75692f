// The template as a picture: routes and schedules on the left, functions in the middle, tables and queues on the right.
import { html } from './vendor/htm-preact.js';

const column = [10, 400, 790];
const width = 220;
const height = 40;
const step = 56;
const top = 34;

const short = (text, n) => (text.length > n ? text.slice(0, n - 1) + '…' : text);

// layout gives each node its place, and the arrows between them.
function layout(state) {
  const nodes = [];
  const edges = [];
  const rows = [0, 0, 0];
  const add = (col, id, kind, title, sub, bad) => {
    nodes.push({ id, kind, title, sub, bad, x: column[col], y: top + rows[col] * step });
    rows[col] += 1;
  };
  const order = [];
  for (const a of state.apis) {
    for (const r of a.routes) {
      add(0, `route ${a.id} ${r.key}`, 'route', r.key, state.apis.length > 1 ? a.id : '');
      for (const fn of [r.function, r.authorizer]) {
        if (!fn) continue;
        edges.push({ from: `route ${a.id} ${r.key}`, to: `fn ${fn}`, count: fn === r.function ? state.counts.routes[r.key] ?? 0 : null, label: fn === r.authorizer ? 'authorizer' : '' });
        if (!order.includes(fn)) order.push(fn);
      }
    }
  }
  for (const s of state.schedules) {
    add(0, `schedule ${s.id}`, 'route', s.label, s.id);
    edges.push({ from: `schedule ${s.id}`, to: `fn ${s.function}`, count: null });
  }
  const rank = (id) => (order.includes(id) ? order.indexOf(id) : order.length);
  for (const f of [...state.functions].sort((a, b) => rank(a.id) - rank(b.id))) {
    const failures = state.counts.failures[f.id] ?? 0;
    add(1, `fn ${f.id}`, 'fn', f.id, `${state.counts.functions[f.id] ?? 0} invocations${failures ? `, ${failures} failed` : ''}`, failures > 0);
  }
  for (const t of state.tables) {
    add(2, `store ${t.id}`, 'store', t.id, t.items < 0 ? 'table' : `table, ${t.items} items`);
    if (t.to) edges.push({ from: `store ${t.id}`, to: `fn ${t.to}`, count: state.counts.sources[t.to] ?? 0, back: true });
  }
  for (const q of state.queues) {
    add(2, `store ${q.id}`, 'store', q.id, `queue, ${q.visible} waiting, ${q.inFlight} in flight`, q.deadOf && q.visible > 0);
    if (q.to) edges.push({ from: `store ${q.id}`, to: `fn ${q.to}`, count: state.counts.sources[q.to] ?? 0, back: true });
    if (q.deadOf) edges.push({ from: `store ${q.deadOf}`, to: `store ${q.id}`, dead: true });
  }
  for (const f of state.functions) for (const id of f.uses) edges.push({ from: `fn ${f.id}`, to: `store ${id}`, count: null });
  return { nodes, edges, height: top + Math.max(...rows, 1) * step };
}

function path(a, b, edge) {
  if (edge.dead) { // down the right side of the same column
    const x = a.x + width;
    return `M${x} ${a.y + height / 2} C${x + 34} ${a.y + height / 2} ${x + 34} ${b.y + height / 2} ${x} ${b.y + height / 2}`;
  }
  const [x1, x2] = edge.back ? [a.x, b.x + width] : [a.x + width, b.x];
  const [y1, y2] = edge.back ? [a.y + height / 2 + 8, b.y + height / 2 + 8] : [a.y + height / 2, b.y + height / 2];
  const bend = (x2 - x1) / 2;
  return `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

export function Map({ state }) {
  const { nodes, edges, height: total } = layout(state);
  const at = Object.fromEntries(nodes.map((n) => [n.id, n]));
  return html`<svg class="map" viewBox=${`0 0 1050 ${total}`} role="img" aria-label="Routes, functions, tables and queues of the template">
    <text class="head" x=${column[0]} y="16">Routes and schedules</text><text class="head" x=${column[1]} y="16">Functions</text><text class="head" x=${column[2]} y="16">Tables and queues</text>
    ${edges.map((e, i) => at[e.from] && at[e.to] && html`<path key=${i} class=${(e.count ? 'hot' : '') + (e.back ? ' back' : '')} d=${path(at[e.from], at[e.to], e)}>
      <title>${e.from} to ${e.to}</title></path>`)}
    ${edges.map((e, i) => at[e.from] && at[e.to] && (e.count || e.label) && html`<text key=${i} class="count halo" text-anchor="middle"
      x=${e.back ? at[e.from].x - 34 : at[e.from].x + width + 34} y=${at[e.from].y + height / 2 + (e.back ? 21 : -5)}>${e.count || e.label}</text>`)}
    ${nodes.map((n) => html`<g key=${n.id} class=${`node ${n.kind}${n.bad ? ' bad' : ''}`}>
      <rect x=${n.x} y=${n.y} width=${width} height=${height} rx="8" />
      <text x=${n.x + 10} y=${n.y + (n.sub ? 17 : 25)}>${short(n.title, 28)}<title>${n.title}</title></text>
      <text class="sub" x=${n.x + 10} y=${n.y + 33}>${short(n.sub ?? '', 38)}</text>
    </g>`)}
  </svg>`;
}
