// A small stand-in for the backend: the protocol of docs/protocol.md in memory, the built page, and outputs.json.
// For looking at the page without Go, and for the unit tests. `node test/fake-server.mjs [port]`
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };

/** Starts a server on a port, 0 for any; gives its addresses, what it received, and ways to be a bad server. */
export async function startFakeServer(port = 0) {
  const http = createServer((request, response) => void serve(request, response, () => fake.url));
  const sockets = new WebSocketServer({ server: http });
  const groups = new Map();
  const logs = new Map(); // messages by group, for as long as the server runs
  const fake = {
    url: '', page: '', received: [], mute: false,
    /** What becomes of a message to a group on its way to one member: [] loses it, [m, m] repeats it. */
    fate: (event) => [event],
    /** Cuts every connection, without a close frame. */
    drop: () => sockets.clients.forEach((s) => s.terminate()),
    /** Sends text to every connection. */
    broadcast: (text) => sockets.clients.forEach((s) => s.send(text)),
    connections: () => sockets.clients.size,
    /** Puts everybody out of every group, as a server does that could not reach them. */
    forget: () => groups.clear(),
    close: () => new Promise((done) => {
      sockets.clients.forEach((s) => s.terminate());
      http.close(done);
      http.closeAllConnections();
    }),
  };
  sockets.on('connection', (socket) => {
    const id = `${randomUUID().slice(0, 12)}=`;
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data));
      fake.received.push(frame);
      if (!fake.mute) handle({ socket, id, groups, logs, fake }, frame);
    });
    socket.on('close', () => groups.forEach((members) => members.delete(socket)));
  });
  await new Promise((ready) => http.listen(port, '127.0.0.1', ready));
  fake.url = `ws://127.0.0.1:${http.address().port}/dev`;
  fake.page = `http://127.0.0.1:${http.address().port}/`;
  return fake;
}

async function serve(request, response, url) {
  const path = new URL(request.url, 'http://localhost').pathname;
  if (path === '/outputs.json') {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify([{ OutputKey: 'WebSocketURL', OutputValue: url(), Description: 'The WebSocket URL' }]));
    return;
  }
  const file = join(dist, normalize(path === '/' ? '/index.html' : path));
  try {
    const body = await readFile(file);
    response.setHeader('Content-Type', types[extname(file)] ?? 'application/octet-stream');
    response.end(body);
  } catch {
    response.writeHead(404).end('not found');
  }
}

const send = (socket, frame) => socket.readyState === 1 && socket.send(JSON.stringify(frame));

function handle(from, frame) {
  const { socket, groups } = from;
  const refuse = (code, message) => send(socket, { event: 'error', id: frame.id, code, message });
  if (frame.group !== undefined && !/^[\w.=-]{1,100}$/.test(frame.group)) return refuse('bad_request', "a group's name has 1 to 100 ASCII letters, digits and - _ . =");
  switch (frame.action) {
    case 'joinGroup':
      if (frame.group === 'private') return refuse('forbidden', 'you may not join this group');
      groups.set(frame.group, (groups.get(frame.group) ?? new Set()).add(socket));
      return send(socket, { event: 'ack', id: frame.id, message: 'joined', group: frame.group });
    case 'leaveGroup':
      groups.get(frame.group)?.delete(socket);
      return send(socket, { event: 'ack', id: frame.id, message: 'left', group: frame.group });
    case 'resume':
      return resume(from, frame, refuse);
    case 'sendMessage':
      return sendMessage(from, frame, refuse);
    default:
      return refuse('unknown_action', 'unknown action; it is one of sendMessage, joinGroup, leaveGroup, resume');
  }
}

const page = 3; // few, so that tests see several pages

function resume({ socket, groups, logs }, { id, group, after }, refuse) {
  if (!groups.get(group)?.has(socket)) return refuse('forbidden', 'join the group before you resume it');
  const log = logs.get(group) ?? [];
  const reset = after === undefined || after > log.length;
  const entries = reset ? log.slice(-100) : log.slice(after, after + page);
  const seq = reset ? log.length : after + entries.length;
  send(socket, { event: 'ack', id, message: 'resumed', group, seq, entries, more: seq < log.length, reset });
}

/** Puts a message into its group's log, once, and gives it with its number. */
function number(logs, event) {
  const log = logs.get(event.group) ?? [];
  logs.set(event.group, log);
  const known = log.find((e) => e.messageId === event.messageId);
  if (known) return known;
  log.push({ ...event, seq: log.length + 1 });
  return log.at(-1);
}

function sendMessage({ socket, id, groups, logs, fake }, frame, refuse) {
  const { group, name, message } = frame;
  const members = group === undefined ? new Set([socket]) : groups.get(group);
  if (!members?.has(socket)) return refuse('forbidden', 'join the group before you send to it');
  const toAll = (event) => members.forEach((member) => send(member, event));
  let entry;
  if (group !== undefined) {
    entry = number(logs, { event: 'message', group, messageId: frame.messageId ?? randomUUID(), from: id, name, message, sentAt: new Date().toISOString() });
    for (const member of members) for (const event of fake.fate(entry)) send(member, event);
  }
  const task = frame.task ?? (group === undefined ? 'analyze' : undefined);
  const taskId = task && randomUUID();
  send(socket, { event: 'ack', id: frame.id, message: 'Your request was received!', group, taskId, messageId: entry?.messageId, seq: entry?.seq });
  if (task) run(task, message, (news) => toAll({ event: 'task', taskId, task, group, ...news }));
}

function run(task, input, push) {
  const success = (result) => push({ state: 'success', result });
  if (task === 'add') setTimeout(() => success(input.x + input.y), 250);
  else if (task === 'analyze') setTimeout(() => success({ characters: [...input].length, words: input.split(/\s+/).filter(Boolean).length, lines: input.split('\n').length }), 250);
  else if (task === 'countdown') countdown(input.seconds, push, success);
  else push({ state: 'failure', error: { code: 'not_found', message: 'unknown task' } });
}

function countdown(left, push, success) {
  if (left === 0) return success('liftoff');
  push({ state: 'progress', progress: { left } });
  setTimeout(() => countdown(left - 1, push, success), 1000);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const fake = await startFakeServer(Number(process.argv[2] ?? 0));
  console.log(`Open: ${fake.page}`);
}
