// The switches of the faults that the runtime injects.
import { html, useState } from './vendor/htm-preact.js';
import { call } from './talk.js';

const explained = {
  'lose-disconnect': '$disconnect is not called', reorder: 'frames pass each other, in and out', cut: 'a connection is closed after a frame, with 1001',
  'post-410': 'a post finds the connection gone', 'post-429': 'a post is throttled', 'post-500': 'a post fails before anything was sent',
  'post-lost': 'a post fails after the frame was sent', kill: 'a function is killed in the middle', cold: 'an invocation starts a new process',
  'duplicate-sqs': 'a batch is delivered twice', 'delay-sqs': 'a batch waits before it is delivered',
  'throttle-dynamodb': 'a request for items is throttled', 'throttle-sqs': 'a request for messages is throttled',
};

export function Chaos({ state }) {
  const [note, setNote] = useState('');
  if (!state.chaos) return html`<p class="empty">This runtime injects no faults.</p>`;
  const { rates, injected } = state.chaos;
  const names = [...new Set([...Object.keys(explained), ...Object.keys(rates)])].filter((name) => name in rates);
  const on = names.filter((name) => rates[name] > 0);
  const set = (name, rate) => call('PUT', `chaos/${encodeURIComponent(name)}`, JSON.stringify({ rate })).then(() => setNote(''), (e) => setNote(e.message));
  return html`<div class="panel">
    <div class="bar"><h2 class="grow">Faults, by probability</h2><button disabled=${on.length === 0} onClick=${() => on.forEach((name) => set(name, 0))}>All off</button></div>
    <p role="status" class="bad">${note}</p>
    <div class="grid">${names.map((name) => html`<${Fault} key=${name} name=${name} rate=${rates[name]} injected=${injected[name] ?? 0} onSet=${(rate) => set(name, rate)} />`)}</div>
  </div>`;
}

// A Fault shows the runtime's rate, but while it is dragged its own.
function Fault({ name, rate, injected, onSet }) {
  const [draft, setDraft] = useState(null);
  const value = draft ?? rate;
  const done = (e) => onSet(Number(e.target.value)).then(() => setDraft(null));
  return html`<div class=${'slider' + (value > 0 ? ' on' : '')}>
    <label for=${name}>${name} ${injected > 0 && html`<span class="dim">${injected} so far</span>`}</label>
    <b>${Math.round(value * 100)} %</b>
    <input id=${name} type="range" min="0" max="1" step="0.01" value=${value} onInput=${(e) => setDraft(Number(e.target.value))} onChange=${done} />
    <small>${explained[name]}</small></div>`;
}
