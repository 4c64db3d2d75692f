// How the page talks to the runtime.
import { useEffect, useState } from './vendor/htm-preact.js';

const api = 'api/';

// call makes one request. What changes something carries the header that other pages cannot set.
export async function call(method, path, body) {
  const response = await fetch(api + path, { method, body, headers: method === 'GET' ? {} : { 'X-Console': '1' } });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

// useLive gives the latest state, and whether the runtime is there.
export function useLive() {
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

// useAnswer asks when what it depends on has changed and rested for a moment, and gives the latest answer and the error.
export function useAnswer(path, depends = []) {
  const [answer, setAnswer] = useState(null);
  const [error, setError] = useState('');
  useEffect(() => {
    if (!path) { setAnswer(null); setError(''); return undefined; }
    let current = true;
    const timer = setTimeout(() => call('GET', path).then(
      (a) => { if (current) { setAnswer(a); setError(''); } },
      (e) => { if (current) { setAnswer(null); setError(e.message); } },
    ), 100);
    return () => { current = false; clearTimeout(timer); };
  }, [path, ...depends]);
  return [answer, error];
}
