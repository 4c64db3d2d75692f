import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startFakeServer, type FakeServer } from '../../test/fake-server.mjs';
import { RealtimeClient } from '../realtime';
import { inbox } from './rooms';
import { ChatStore, type Storage } from './store';

let server: FakeServer;
let stores: ChatStore[];

beforeEach(async () => {
  server = await startFakeServer();
  stores = [];
});
afterEach(async () => {
  for (const store of stores) store.close();
  await server.close();
});

function memory(start: Record<string, string> = {}): Storage {
  const map = new Map(Object.entries(start));
  return { getItem: (key) => map.get(key) ?? null, setItem: (key, value) => void map.set(key, value) };
}

function person(name: string, local = memory()): ChatStore {
  const connect = (url: string) => new RealtimeClient(url, { WebSocket, minDelay: 20, ackTimeout: 300 });
  const store = new ChatStore({ local, session: memory({ 'disclone.name': name }), connect });
  stores.push(store);
  return store;
}

const soon = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 5 });
const room = (store: ChatStore, name: string) => store.getSnapshot().rooms.find((r) => r.name === name);
const entries = (store: ChatStore, name: string) => room(store, name)?.entries ?? [];
const joined = (store: ChatStore, name: string) => soon(() => { expect(room(store, name)?.joined).toBe(true); });

async function pair() {
  const [ann, bob] = [person('Ann'), person('Bob')] as const;
  for (const store of [ann, bob]) {
    store.open(server.url);
    await joined(store, 'general');
  }
  return [ann, bob] as const;
}

test('a newcomer is in the first room; one who comes back in theirs', () => {
  expect(person('Ann').getSnapshot().active).toBe('general');
  const back = person('Ann', memory({ 'disclone.rooms': '["a","b"]', 'disclone.active': 'b' }));
  expect(back.getSnapshot()).toMatchObject({ active: 'b', rooms: [{ name: inbox }, { name: 'a' }, { name: 'b' }] });
  expect(person('Ann', memory({ 'disclone.rooms': 'broken' })).getSnapshot().active).toBe(inbox);
});

test('two people chat: shown at once, settled by the server, never twice', async () => {
  const [ann, bob] = await pair();
  ann.submit('hello');
  expect(entries(ann, 'general')).toMatchObject([{ content: 'hello', status: 'sending' }]);
  await soon(() => { expect(entries(bob, 'general')).toMatchObject([{ author: 'Ann', content: 'hello', mine: false }]); });
  bob.submit('hi');
  await soon(() => { expect(entries(ann, 'general')).toMatchObject([{ status: 'sent', mine: true }, { author: 'Bob', content: 'hi' }]); });
});

test('a task for the room: one card for the sender, the result for everybody', async () => {
  const [ann, bob] = await pair();
  ann.submit('/add 2 3');
  for (const store of [ann, bob]) await soon(() => { expect(entries(store, 'general').at(-1)).toMatchObject({ kind: 'task', state: 'success', result: 5 }); });
  expect(entries(ann, 'general')).toHaveLength(1);
});

test('a message that is not answered can be sent again', async () => {
  const [ann] = await pair();
  server.mute = true;
  ann.submit('hello');
  await soon(() => { expect(entries(ann, 'general')).toMatchObject([{ status: 'failed', problem: 'The server did not answer in time.' }]); });
  server.mute = false;
  const [failed] = entries(ann, 'general');
  if (failed) ann.retry('general', failed);
  await soon(() => { expect(entries(ann, 'general')).toMatchObject([{ content: 'hello', status: 'sent' }]); });
});

test('what happens in a room that is not shown is counted until it is shown', async () => {
  const [ann, bob] = await pair();
  bob.show(inbox);
  ann.submit('one');
  ann.submit('two');
  await soon(() => { expect(room(bob, 'general')?.unread).toBe(2); });
  bob.show('general');
  expect(room(bob, 'general')?.unread).toBe(0);
});

test('a lost connection: the room is joined again, and a result that cannot come any more is said to be lost', async () => {
  const [ann] = await pair();
  ann.show(inbox);
  ann.submit('/countdown 20');
  await soon(() => { expect(entries(ann, inbox)).toMatchObject([{ state: 'progress' }]); });
  server.drop();
  await soon(() => { expect(entries(ann, inbox)).toMatchObject([{ state: 'lost' }]); });
  await joined(ann, 'general');
  expect(ann.getSnapshot().connection).toBe('online');
});

test('a room that may not be joined says why; left rooms are forgotten', async () => {
  const [ann] = await pair();
  ann.join('private');
  await soon(() => { expect(room(ann, 'private')).toMatchObject({ joined: false, problem: 'you may not join this group' }); });
  ann.leave('private');
  expect(room(ann, 'private')).toBeUndefined();
  expect(ann.getSnapshot().active).toBe('general');
});

test('a bad command or address is refused with a reason, and nothing is sent', () => {
  const ann = person('Ann');
  expect(ann.submit('/dance')).toContain('no command');
  ann.open('https://example.com');
  expect(ann.getSnapshot()).toMatchObject({ connection: 'offline', urlProblem: 'The URL must start with wss:// or ws://.' });
  ann.submit('hello');
  expect(entries(ann, 'general')).toMatchObject([{ status: 'sending' }]);
});
