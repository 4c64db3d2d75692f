// The console of the local runtime. It shows what the server sends, and nothing of it is ever taken for markup: htm makes
// elements, and texts stay texts.
import { html, render, useEffect, useState } from './vendor/htm-preact.js';
import { Chaos } from './chaos.js';
import { Connections } from './connections.js';
import { Invocations } from './invocations.js';
import { Map } from './map.js';
import { Queues } from './queues.js';
import { useLive } from './talk.js';
import { Tables } from './tables.js';

const views = { map: ['Map', Map], invocations: ['Invocations', Invocations], connections: ['Connections', Connections], queues: ['Queues', Queues], tables: ['Tables', Tables], chaos: ['Chaos', Chaos] };

// place is the view that the address names, and what it is to show: #tables/NAME/TEXT.
function place() {
  const [view, ...wanted] = location.hash.slice(1).split('/').map(decodeURIComponent);
  return { view: view || 'map', wanted };
}

function App() {
  const [state, online] = useLive();
  const [{ view, wanted }, setPlace] = useState(place);
  useEffect(() => {
    const follow = () => setPlace(place());
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  if (!state) return html`<p class="empty">${online ? 'Loading…' : 'Waiting for the runtime…'}</p>`;
  const [, View] = views[view] ?? [];
  return html`
    <header>
      <h1>${state.stack}</h1>
      <span role="status" class=${'status' + (online ? '' : ' off')}>${online ? `${state.totalConnections} connected` : 'The runtime is gone'}</span>
      <nav aria-label="Views">${Object.entries(views).map(([id, [title]]) => html`
        <button key=${id} aria-current=${view === id ? 'page' : null} onClick=${() => { location.hash = id; }}>${title}</button>`)}
      </nav>
    </header>
    <main>${View ? html`<${View} key=${view + '/' + wanted.join('/')} state=${state} wanted=${wanted} />` : html`<p class="empty">There is no such view.</p>`}</main>`;
}

render(html`<${App} />`, document.getElementById('root'));
