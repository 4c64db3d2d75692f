// The rooms and what is in them, as plain data and pure functions from one state to the next.
import type { Json, MessageFrame, TaskFrame } from '../realtime';

/** The place for tasks that concern nobody else: frames without a group. No group can have this name. */
export const inbox = '';

/** How many entries a room keeps; older ones go. */
export const maxEntries = 1000;

interface EntryBase {
  /** Unique in the page. */
  key: string;
  /** When it was sent, ms since 1970. */
  at: number;
  /** Who sent it, to be shown. */
  author: string;
  mine: boolean;
  /** The message's id in its group: ours from the start, so that it is in the group once however often it is sent. */
  messageId?: string;
  /** Its number in its group, which says where it stands. */
  seq?: number;
}

export interface MessageEntry extends EntryBase {
  kind: 'message';
  /** The connection it came from; empty for one of ours that has not come back yet. */
  from: string;
  content: Json;
  status: 'sending' | 'sent' | 'failed';
  problem?: string;
}

/**
 * sending: no ack yet. unsent: it was refused or never acked. queued: acked. lost: the connection that the result would have
 * come to is gone, and the page asks for it. The others are as the server says.
 */
export type TaskState = 'sending' | 'unsent' | 'queued' | 'lost' | TaskFrame['state'];

export interface TaskEntry extends EntryBase {
  kind: 'task';
  task: string;
  taskId?: string;
  /** Not there for a task that another member started. */
  input?: Json;
  state: TaskState;
  /** Of its last event: older ones are dropped. */
  step?: number;
  /** The ack's text. */
  ack?: string;
  progress?: Json;
  result?: Json;
  problem?: string;
}

export type Entry = MessageEntry | TaskEntry;

export interface Room {
  name: string;
  joined: boolean;
  problem?: string;
  unread: number;
  entries: readonly Entry[];
}

export const newRoom = (name: string): Room => ({ name, joined: name === inbox, unread: 0, entries: [] });

/** Says what is wrong with a room's name, or nothing. The rule is the server's (docs/protocol.md). */
export function roomNameProblem(name: string): string | undefined {
  if (!name) return 'Type a name.';
  if (name.length > 100) return 'A name has at most 100 characters.';
  return /^[\w.=-]+$/.test(name) ? undefined : 'Letters, digits and - _ . = only, no spaces.';
}

export const append = (room: Room, entry: Entry): Room => ({ ...room, entries: [...room.entries, entry].slice(-maxEntries) });

/** Changes the entry with a key. */
export function patch(room: Room, key: string, change: (entry: Entry) => Entry): Room {
  return { ...room, entries: room.entries.map((e) => (e.key === key ? change(e) : e)) };
}

/** Puts an entry where its number says; one without a number goes to the end. */
function place(room: Room, entry: Entry): Room {
  const others = room.entries.filter((e) => e.key !== entry.key);
  const seq = entry.seq;
  const at = seq === undefined ? -1 : others.findIndex((e) => e.seq !== undefined && e.seq > seq);
  const entries = at < 0 ? [...others, entry] : [...others.slice(0, at), entry, ...others.slice(at)];
  return { ...room, entries: entries.slice(-maxEntries) };
}

/**
 * Adds a message that came in. One of ours, which the page showed when it was sent, is settled instead of shown twice;
 * `echo` says so. A message that is there already is left alone.
 */
export function receiveMessage(room: Room, frame: MessageFrame, self: string): { room: Room; echo: boolean; added: boolean } {
  const { messageId, from, seq } = frame;
  const known = room.entries.find((e) => e.messageId === messageId);
  if (known) {
    const settledBefore = known.kind === 'message' ? known.from !== '' : known.seq !== undefined;
    if (!known.mine || settledBefore) return { room, echo: false, added: false };
    const settled: Entry = known.kind === 'message' ? sent(known, from) : known;
    return { room: place(room, seq === undefined ? settled : { ...settled, seq }), echo: true, added: false };
  }
  const base = {
    key: `m:${messageId}`, at: Date.parse(frame.sentAt) || Date.now(), author: frame.name ?? '',
    mine: self !== '' && from === self, messageId, ...(seq === undefined ? {} : { seq }),
  };
  if (frame.task !== undefined && frame.taskId !== undefined) return receiveInput(room, base, frame.task, frame.taskId, frame.message);
  return { room: place(room, { ...base, kind: 'message', from, content: frame.message, status: 'sent' }), echo: false, added: true };
}

/** Adds a message that started a task, as that task. Its news may have come before. */
function receiveInput(room: Room, base: EntryBase, task: string, taskId: string, input: Json) {
  const early = room.entries.find((e): e is TaskEntry => e.kind === 'task' && e.taskId === taskId);
  const entry: TaskEntry = { ...(early ?? { kind: 'task', task, taskId, state: 'queued' }), ...base, input };
  const rest = early ? { ...room, entries: room.entries.filter((e) => e !== early) } : room;
  return { room: place(rest, entry), echo: false, added: !early };
}

function sent(entry: MessageEntry, from: string): MessageEntry {
  const { problem: _, ...rest } = entry;
  return { ...rest, from, status: 'sent' };
}

/** Forgets the messages that the server had: it will give its latest again. What was not sent stays. */
export const forget = (room: Room): Room => ({ ...room, entries: room.entries.filter((e) => e.kind === 'task' || e.status !== 'sent') });

export const finished = (state: TaskState) => state === 'success' || state === 'failure' || state === 'revoked';

const unknown = (state: TaskState) => state === 'sending' || state === 'unsent';

/** Says whether the server has the task and will say more of it. */
export const underWay = (entry: TaskEntry) => !finished(entry.state) && !unknown(entry.state);

/** Takes a task's news into its entry. Events can come twice, or out of order: what is no news changes nothing. */
export function withTaskFrame(entry: TaskEntry, frame: TaskFrame): TaskEntry {
  const old = frame.step !== undefined && entry.step !== undefined ? frame.step <= entry.step : finished(entry.state);
  if (old && entry.state !== 'lost') return entry;
  const { problem: _, ...rest } = entry;
  const next: TaskEntry = { ...rest, taskId: frame.taskId, task: frame.task, state: frame.state };
  if (frame.step !== undefined) next.step = frame.step;
  if (frame.seq !== undefined && next.seq === undefined) next.seq = frame.seq;
  if (frame.progress !== undefined) next.progress = frame.progress;
  if (frame.result !== undefined) next.result = frame.result;
  if (frame.state === 'failure') next.problem = frame.error?.message || frame.error?.code || 'The task failed.';
  if (frame.size !== undefined) next.result = `${Math.ceil(frame.size / 1024)} KB, too large to be shown here`;
  return next;
}

/** Takes a task's news into the room. A task that is not there yet is shown as somebody's: its ack may still be on the way. */
export function receiveTask(room: Room, frame: TaskFrame, now: number): { room: Room; added: boolean } {
  const known = room.entries.find((e) => e.kind === 'task' && e.taskId === frame.taskId);
  if (known) {
    return { room: patch(room, known.key, (e) => (e.kind === 'task' ? withTaskFrame(e, frame) : e)), added: false };
  }
  const empty: TaskEntry = { kind: 'task', key: `t:${frame.taskId}`, at: now, author: '', mine: false, task: frame.task, state: 'queued' };
  return { room: place(room, withTaskFrame(empty, frame)), added: true };
}

/** Settles a task of ours with its ack. News that overtook the ack, shown as a stranger's, is taken over. */
export function ackTask(room: Room, key: string, taskId: string, text: string): Room {
  const early = room.entries.find((e): e is TaskEntry => e.kind === 'task' && e.taskId === taskId && e.key !== key);
  const entries = early ? room.entries.filter((e) => e !== early) : room.entries;
  return patch({ ...room, entries }, key, (e) => {
    if (e.kind !== 'task') return e;
    const { problem: _, ...rest } = e;
    const acked: TaskEntry = { ...rest, taskId, ack: text, state: unknown(e.state) ? 'queued' : e.state };
    if (!early) return acked;
    const { state, progress, result, problem, step } = early;
    return {
      ...acked, state, ...(step === undefined ? {} : { step }), ...(progress === undefined ? {} : { progress }), ...(result === undefined ? {} : { result }),
      ...(problem === undefined ? {} : { problem }),
    };
  });
}

/** After the connection was lost: results of tasks without a group would have come to it. The page has to ask for them. */
export function loseTasks(room: Room): Room {
  const waits = (e: Entry): e is TaskEntry => e.kind === 'task' && e.mine && underWay(e);
  return { ...room, entries: room.entries.map((e) => (waits(e) ? { ...e, state: 'lost' } : e)) };
}
