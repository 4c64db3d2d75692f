// The frames of the protocol (docs/protocol.md), as types, and the one place where text from the wire becomes one of them.

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What a client sends. The client adds its request id to it. */
export type ClientFrame =
  | { action: 'joinGroup'; group: string }
  | { action: 'leaveGroup'; group: string }
  | { action: 'resume'; group: string; after?: number }
  | { action: 'getTask' | 'revokeTask'; taskId: string }
  | { action: 'sendMessage'; message: Json; group?: string; messageId?: string; name?: string; task?: string };

/** The answer to one frame of ours. `taskId` is there if the frame started a task. */
export interface AckFrame {
  event: 'ack';
  id?: string;
  message: string;
  group?: string;
  taskId?: string;
  /** Of a message to a group: its number. Of an answer to resume: the number up to which `entries` are everything. */
  seq?: number;
  messageId?: string;
  entries?: GroupFrame[];
  /** There is more after `seq`: ask again. */
  more?: boolean;
  /** What we had is no longer kept, or we had nothing: the entries are the latest. */
  reset?: boolean;
  /** Of an answer to getTask and revokeTask: what is known of the task. */
  known?: TaskFrame;
}

/** A message to a group that we are in. `from` is a connection id; our own messages come back as well. */
export interface MessageFrame {
  event: 'message';
  group: string;
  /** Its number in the group, from 1. */
  seq?: number;
  messageId: string;
  from: string;
  name?: string;
  message: Json;
  sentAt: string;
  /** Of a message that started a task, whose input it is. */
  task?: string;
  taskId?: string;
}

/** Where a task is. After success, failure and revoked nothing follows, unless an operator has it run again. */
export const taskStates = ['pending', 'started', 'progress', 'retry', 'success', 'failure', 'revoked'] as const;

/** A change of a task's state. `group` is there if the result goes to a group. */
export interface TaskFrame {
  event: 'task';
  taskId: string;
  task: string;
  group?: string;
  state: (typeof taskStates)[number];
  /** Grows with each event of the task: one that is not above the last is old news. */
  step?: number;
  /** Of a final state that goes to a group: its number in the group. */
  seq?: number;
  /** The bytes of a result that is too large for an event: getTask gives it. */
  size?: number;
  progress?: Json;
  result?: Json;
  error?: { code: string; message: string };
}

/** The answer to a frame that was refused. It has no `id` if the server could not read ours. */
export interface ErrorFrame {
  event: 'error';
  id?: string;
  code: string;
  message: string;
}

/** What a group has numbers for. */
export type GroupFrame = MessageFrame | TaskFrame;

export type ServerFrame = AckFrame | MessageFrame | TaskFrame | ErrorFrame;

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Gives the fields in `names` that are strings; a number becomes its text, because a server may echo an id as one. */
function strings(from: Fields, ...names: string[]): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of names) {
    const value = from[name];
    if (typeof value === 'string') out[name] = value;
    else if (typeof value === 'number') out[name] = String(value);
  }
  return out;
}

function ackFrame(raw: Fields): AckFrame {
  const frame: AckFrame = { event: 'ack', message: '', ...strings(raw, 'id', 'message', 'group', 'taskId', 'messageId') };
  if (typeof raw.seq === 'number') frame.seq = raw.seq;
  if (raw.more === true) frame.more = true;
  if (raw.reset === true) frame.reset = true;
  if (Array.isArray(raw.entries)) {
    frame.entries = raw.entries.map((e) => (isFields(e) ? groupFrame(e) : undefined)).filter((e) => e !== undefined);
  }
  const known = taskFrame(raw);
  if (known) frame.known = known;
  return frame;
}

const groupFrame = (raw: Fields) => (raw.event === 'task' ? taskFrame(raw) : messageFrame(raw));

function messageFrame(raw: Fields): MessageFrame | undefined {
  const { group, messageId, from, name, sentAt, task, taskId } = strings(raw, 'group', 'messageId', 'from', 'name', 'sentAt', 'task', 'taskId');
  if (!group || !messageId || raw.message === undefined) return undefined;
  return {
    event: 'message', group, messageId, from: from ?? '', sentAt: sentAt ?? '',
    ...(task && taskId ? { task, taskId } : {}),
    message: raw.message as Json, ...(name ? { name } : {}), ...(typeof raw.seq === 'number' ? { seq: raw.seq } : {}),
  };
}

function taskFrame(raw: Fields): TaskFrame | undefined {
  const { taskId, task, group } = strings(raw, 'taskId', 'task', 'group');
  const state = taskStates.find((s) => s === raw.state);
  if (!taskId || !state) return undefined;
  const frame: TaskFrame = { event: 'task', taskId, task: task ?? 'task', state, ...(group ? { group } : {}) };
  for (const field of ['step', 'seq', 'size'] as const) {
    const value = raw[field];
    if (typeof value === 'number') frame[field] = value;
  }
  if (raw.progress !== undefined) frame.progress = raw.progress as Json;
  if (raw.result !== undefined) frame.result = raw.result as Json;
  if (isFields(raw.error)) frame.error = { code: 'internal', message: '', ...strings(raw.error, 'code', 'message') };
  return frame;
}

/**
 * Reads one frame. It gives undefined for what is no frame of the protocol: callers ignore those. API Gateway's own
 * errors ({"message","connectionId","requestId"}, no event) become an error frame without an id.
 */
export function parseFrame(text: string): ServerFrame | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isFields(raw)) return undefined;
  switch (raw.event) {
    case 'ack':
      return ackFrame(raw);
    case 'message':
      return messageFrame(raw);
    case 'task':
      return taskFrame(raw);
    case 'error':
      return { event: 'error', code: 'internal', message: '', ...strings(raw, 'id', 'code', 'message') };
    case undefined:
      if (typeof raw.message !== 'string' || raw.requestId === undefined) return undefined;
      return { event: 'error', code: gatewayCode(raw.message), message: raw.message };
    default:
      return undefined;
  }
}

const gatewayCode = (message: string) => (message === 'Too Many Requests' ? 'throttled' : 'internal');
