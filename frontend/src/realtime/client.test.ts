import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startFakeServer, type FakeServer } from '../../test/fake-server.mjs';
import { RealtimeClient, checkUrl, type ConnectionState, type MessageFrame, type RealtimeOptions, type TaskFrame } from './index';

let server: FakeServer;
let clients: RealtimeClient[];

beforeEach(async () => {
  server = await startFakeServer();
  clients = [];
});
afterEach(async () => {
  for (const client of clients) client.close();
  await server.close();
});

function connect(options: RealtimeOptions = {}, url = server.url): RealtimeClient {
  const client = new RealtimeClient(url, { WebSocket, minDelay: 20, ackTimeout: 2000, ...options });
  clients.push(client);
  return client;
}

const becomes = (client: RealtimeClient, state: ConnectionState) =>
  vi.waitFor(() => { expect(client.state).toBe(state); }, { timeout: 5000, interval: 5 });

async function online(options?: RealtimeOptions): Promise<RealtimeClient> {
  const client = connect(options);
  await becomes(client, 'online');
  return client;
}

function collect(client: RealtimeClient) {
  const got = { messages: [] as MessageFrame[], tasks: [] as TaskFrame[], states: [] as ConnectionState[], joined: [] as string[], errors: [] as string[] };
  client.on('message', (frame) => got.messages.push(frame));
  client.on('task', (frame) => got.tasks.push(frame));
  client.on('state', (state) => got.states.push(state));
  client.on('joined', (group) => got.joined.push(group));
  client.on('error', (frame) => got.errors.push(frame.message));
  return got;
}

const soon = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 5 });

describe('requests', () => {
  test('the story: ack at once, result pushed', async () => {
    const client = await online();
    const got = collect(client);
    const ack = await client.request({ action: 'sendMessage', message: 'hello' });
    expect(ack.message).toBe('Your request was received!');
    await soon(() => { expect(got.tasks).toHaveLength(1); });
    expect(got.tasks[0]).toEqual({ event: 'task', taskId: ack.taskId, task: 'analyze', state: 'success', result: { characters: 5, words: 1, lines: 1 } });
  });

  test('each ack goes to its own request', async () => {
    const client = await online();
    const groups = Array.from({ length: 20 }, (_, i) => `g${i}`);
    const acks = await Promise.all(groups.map((group) => client.request({ action: 'joinGroup', group })));
    expect(acks.map((a) => a.group)).toEqual(groups);
    expect(new Set(acks.map((a) => a.id)).size).toBe(20);
  });

  test('a refusal rejects with the code of the server', async () => {
    const client = await online();
    await expect(client.request({ action: 'sendMessage', group: 'elsewhere', message: 'hi' })).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('without an answer it times out', async () => {
    const client = await online({ ackTimeout: 30 });
    server.mute = true;
    await expect(client.request({ action: 'sendMessage', message: 'hi' })).rejects.toMatchObject({ code: 'timeout' });
  });

  test('a lost connection rejects what waits', async () => {
    const client = await online();
    server.mute = true;
    const request = client.request({ action: 'sendMessage', message: 'hi' });
    const rejected = expect(request).rejects.toMatchObject({ code: 'disconnected' });
    await soon(() => { expect(server.received).toHaveLength(1); });
    server.drop();
    await rejected;
  });

  test('while there is no connection it rejects, and the frame is not sent later', async () => {
    const client = connect();
    await expect(client.request({ action: 'sendMessage', message: 'early' })).rejects.toMatchObject({ code: 'offline' });
    await becomes(client, 'online');
    await client.join('g');
    expect(server.received.map((f) => f.action)).not.toContain('sendMessage');
  });

  test('a message to a group that is being joined waits for the join', async () => {
    const client = await online();
    const got = collect(client);
    const joined = client.join('g');
    await client.request({ action: 'sendMessage', group: 'g', name: 'Ann', message: 'hi' });
    await joined;
    await soon(() => { expect(got.messages).toHaveLength(1); });
    expect(got.messages[0]).toMatchObject({ group: 'g', name: 'Ann', message: 'hi' });
  });

  test('errors that answer nothing are reported, other noise is not', async () => {
    const client = await online();
    const got = collect(client);
    server.broadcast('noise');
    server.broadcast('{"event":"ack","id":"999","message":"late"}');
    server.broadcast('{"message":"Internal server error","connectionId":"c","requestId":"r"}');
    await soon(() => { expect(got.errors).toEqual(['Internal server error']); });
  });
});

describe('messages', () => {
  const texts = (got: ReturnType<typeof collect>) => got.messages.map((m) => m.message);

  test('come once and in order, though the wire loses, repeats and swaps them', async () => {
    const client = await online({ patience: 10 });
    const got = collect(client);
    await client.join('g');
    const held: (() => void)[] = [];
    let n = 0;
    server.fate = (event) => {
      n++;
      if (n % 5 === 0) return [];
      if (n % 3 === 0) return [event, event];
      if (n % 7 === 0) { held.push(() => { server.broadcast(JSON.stringify(event)); }); return []; }
      held.splice(0).forEach((send) => { send(); });
      return [event];
    };
    const all = Array.from({ length: 40 }, (_, i) => i + 1);
    for (const i of all) await client.request({ action: 'sendMessage', group: 'g', messageId: `m${i}`, message: i });
    server.fate = (event) => [event];
    await client.request({ action: 'sendMessage', group: 'g', messageId: 'last', message: 41 });
    await soon(() => { expect(texts(got)).toEqual([...all, 41]); });
  });

  test('that were missed come after a reconnect, before what is new', async () => {
    const client = await online();
    const other = await online();
    const got = collect(client);
    await client.join('g');
    await other.join('g');
    await other.request({ action: 'sendMessage', group: 'g', message: 'before' });
    await soon(() => { expect(texts(got)).toEqual(['before']); });
    server.drop();
    await becomes(other, 'reconnecting');
    await becomes(other, 'online');
    for (const text of ['a', 'b', 'c', 'd', 'e']) await other.request({ action: 'sendMessage', group: 'g', message: text });
    await soon(() => { expect(texts(got)).toEqual(['before', 'a', 'b', 'c', 'd', 'e']); });
  });

  test('are in the group once, however often they are sent under one id', async () => {
    const client = await online();
    const got = collect(client);
    await client.join('g');
    for (let i = 0; i < 3; i++) {
      expect(await client.request({ action: 'sendMessage', group: 'g', messageId: 'one', message: 'hi' })).toMatchObject({ seq: 1, messageId: 'one' });
    }
    await client.request({ action: 'sendMessage', group: 'g', messageId: 'two', message: 'ho' });
    await soon(() => { expect(texts(got)).toEqual(['hi', 'ho']); });
  });

  test('reach a group that the server has put us out of', async () => {
    const client = await online();
    const got = collect(client);
    await client.join('g');
    server.forget();
    await client.request({ action: 'sendMessage', group: 'g', message: 'still here' });
    await soon(() => { expect(texts(got)).toEqual(['still here']); });
  });

  test('that a new member did not see are its history', async () => {
    const first = await online();
    await first.join('g');
    await first.request({ action: 'sendMessage', group: 'g', message: 'old' });
    const client = await online();
    const got = collect(client);
    await client.join('g');
    await soon(() => { expect(texts(got)).toEqual(['old']); });
  });

  test('of a server that has lost its memory are new', async () => {
    const port = Number(new URL(server.url).port);
    const client = await online();
    const got = collect(client);
    const resets: string[] = [];
    client.on('reset', (group) => resets.push(group));
    await client.join('g');
    for (const text of ['a', 'b']) await client.request({ action: 'sendMessage', group: 'g', message: text });
    await soon(() => { expect(texts(got)).toEqual(['a', 'b']); });
    await server.close();
    server = await startFakeServer(port);
    await becomes(client, 'online');
    await soon(() => { expect(resets).toEqual(['g']); });
    await client.request({ action: 'sendMessage', group: 'g', message: 'new' });
    await soon(() => { expect(texts(got)).toEqual(['a', 'b', 'new']); });
  });
});

describe('the connection', () => {
  test('comes back by itself, in its groups, without the one that was left', async () => {
    const client = await online();
    const got = collect(client);
    await client.join('a');
    await client.join('b');
    await client.leave('b');
    server.drop();
    await soon(() => { expect(got.states).toEqual(['reconnecting', 'online']); });
    await client.request({ action: 'sendMessage', group: 'a', message: 'back' });
    await soon(() => { expect(got.messages.map((m) => m.message)).toEqual(['back']); });
    expect(got.joined).toEqual(['a', 'b', 'a']);
    await expect(client.request({ action: 'sendMessage', group: 'b', message: 'x' })).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('a group that is asked for before the connection is there is joined then', async () => {
    const client = connect();
    const got = collect(client);
    await client.join('early');
    await soon(() => { expect(got.joined).toEqual(['early']); });
  });

  test('a group that was refused is told and not tried again', async () => {
    const client = await online();
    const failed = vi.fn();
    client.on('joinFailed', failed);
    await expect(client.join('private')).rejects.toMatchObject({ code: 'forbidden' });
    expect(failed).toHaveBeenCalledOnce();
    server.drop();
    await becomes(client, 'reconnecting');
    await becomes(client, 'online');
    await client.join('other');
    expect(server.received.filter((f) => f.group === 'private')).toHaveLength(1);
  });

  test('is offline after some failed attempts, and online when the server is back', async () => {
    const port = Number(new URL(server.url).port);
    const client = await online({ offlineAfter: 3 });
    await server.close();
    await becomes(client, 'offline');
    server = await startFakeServer(port);
    await becomes(client, 'online');
  });

  test('reconnect does not wait for the next attempt', async () => {
    const port = Number(new URL(server.url).port);
    const client = await online({ minDelay: 60_000, offlineAfter: 1 });
    await server.close();
    await becomes(client, 'offline');
    server = await startFakeServer(port);
    client.reconnect();
    await becomes(client, 'online');
  });

  test('joins its groups again when it was silent for long, so that it is not closed for idleness', async () => {
    const client = await online({ keepAlive: 20 });
    await client.join('g');
    await soon(() => { expect(server.received.length).toBeGreaterThan(2); });
    expect(server.received.every((f) => f.action === 'joinGroup' || f.action === 'resume')).toBe(true);
  });

  test('close ends it for good', async () => {
    const client = await online();
    client.close();
    expect(client.state).toBe('offline');
    await soon(() => { expect(server.connections()).toBe(0); });
  });

  test('a listener can be taken away', async () => {
    const client = await online();
    const listener = vi.fn();
    const stop = client.on('state', listener);
    stop();
    client.close();
    expect(listener).not.toHaveBeenCalled();
  });
});

test('checkUrl says what is wrong', () => {
  expect(checkUrl(' wss://h/prod ')).toBe('wss://h/prod');
  expect(() => checkUrl('h')).toThrow('This is not a URL.');
  expect(() => checkUrl('https://h')).toThrow('must start with wss://');
});
