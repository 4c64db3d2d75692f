import { describe, expect, test } from 'vitest';
import type { MessageFrame, TaskFrame } from '../realtime';
import {
  ackTask, append, loseTasks, maxEntries, newRoom, receiveMessage, receiveTask, roomNameProblem, type MessageEntry, type TaskEntry,
} from './rooms';

const frame = (over: Partial<MessageFrame> = {}): MessageFrame => ({
  event: 'message', group: 'g', seq: 1, messageId: 'm1', from: 'c1', name: 'Ann', message: 'hi', sentAt: '2026-11-24T03:00:00.000Z', ...over,
});
const mine = (over: Partial<MessageEntry> = {}): MessageEntry => ({
  kind: 'message', key: 'o:1', at: 1, author: 'Ann', mine: true, from: '', content: 'hi', status: 'sending', messageId: 'm1', ...over,
});
const myTask = (over: Partial<TaskEntry> = {}): TaskEntry => ({
  kind: 'task', key: 'o:1', at: 1, author: 'Ann', mine: true, task: 'add', input: { x: 2, y: 3 }, state: 'sending', messageId: 'm1', ...over,
});
const news = (over: Partial<TaskFrame> = {}): TaskFrame => ({ event: 'task', taskId: 'T', task: 'add', group: 'g', state: 'success', result: 5, ...over });

describe('a message that comes in', () => {
  test('from somebody else is added', () => {
    const got = receiveMessage(newRoom('g'), frame({ name: 'Bob' }), '');
    expect(got).toMatchObject({ echo: false, added: true });
    expect(got.room.entries).toMatchObject([{ author: 'Bob', mine: false, content: 'hi', status: 'sent', at: Date.UTC(2026, 10, 24, 3) }]);
  });

  test('of our own settles what is shown, also after a failure, and once', () => {
    for (const status of ['sending', 'sent', 'failed'] as const) {
      const got = receiveMessage(append(newRoom('g'), mine({ status })), frame(), '');
      expect(got).toMatchObject({ echo: true, added: false });
      expect(got.room.entries).toMatchObject([{ key: 'o:1', messageId: 'm1', seq: 1, status: 'sent' }]);
      expect(receiveMessage(got.room, frame(), 'c1').room).toBe(got.room);
    }
  });

  test('two equal ones of our own settle one each', () => {
    const start = append(append(newRoom('g'), mine()), mine({ key: 'o:2', messageId: 'm2' }));
    const one = receiveMessage(start, frame({ messageId: 'm2' }), '').room;
    expect(one.entries.map((e) => e.kind === 'message' && e.status)).toEqual(['sending', 'sent']);
    const two = receiveMessage(one, frame({ seq: 2 }), 'c1').room;
    expect(two.entries.map((e) => e.key)).toEqual(['o:2', 'o:1']); // as everybody else sees them
  });

  test('from somebody with our name and text is not ours', () => {
    const got = receiveMessage(append(newRoom('g'), mine()), frame({ messageId: 'other' }), 'c1');
    expect(got).toMatchObject({ echo: false, added: true });
  });

  test('stands where its number says', () => {
    const later = receiveMessage(newRoom('g'), frame({ seq: 7, messageId: 'm7' }), '').room;
    const both = receiveMessage(append(later, mine({ messageId: 'unsent' })), frame({ seq: 5, messageId: 'm5' }), '').room;
    expect(both.entries.map((e) => e.messageId)).toEqual(['m5', 'm7', 'unsent']);
  });

  test('that started a task is shown as the task, also when its result came before', () => {
    const input = frame({ task: 'add', taskId: 'T', message: { x: 2, y: 3 }, seq: 4 });
    const first = receiveMessage(newRoom('g'), input, '').room;
    expect(receiveTask(first, news(), 0).room.entries).toMatchObject([{ kind: 'task', author: 'Ann', input: { x: 2, y: 3 }, state: 'success', seq: 4 }]);
    const late = receiveMessage(receiveTask(newRoom('g'), news(), 0).room, input, '').room;
    expect(late.entries).toMatchObject([{ kind: 'task', author: 'Ann', input: { x: 2, y: 3 }, state: 'success', result: 5, seq: 4 }]);
  });

  test('that is the input of a task of ours is not shown beside it, whether the ack came before or not', () => {
    for (const state of ['sending', 'queued'] as const) {
      const got = receiveMessage(append(newRoom('g'), myTask({ state })), frame({ message: { x: 2, y: 3 } }), '');
      expect(got).toMatchObject({ echo: true, added: false });
      expect(got.room.entries).toHaveLength(1);
    }
  });
});

describe('a task', () => {
  test('is settled by its ack and its events', () => {
    const acked = ackTask(append(newRoom('g'), myTask()), 'o:1', 'T', 'received');
    expect(acked.entries).toMatchObject([{ state: 'queued', taskId: 'T', ack: 'received' }]);
    const running = receiveTask(acked, news({ state: 'progress', progress: { left: 2 } }), 0).room;
    expect(running.entries).toMatchObject([{ state: 'progress', progress: { left: 2 } }]);
    const done = receiveTask(running, news(), 0);
    expect(done.added).toBe(false);
    expect(done.room.entries).toMatchObject([{ state: 'success', result: 5 }]);
  });

  test('that finished stays so, whatever comes late or twice', () => {
    const done = receiveTask(newRoom('g'), news(), 0).room;
    for (const late of [news({ state: 'progress', progress: {} }), news({ result: 6 }), news({ state: 'failure' })]) {
      expect(receiveTask(done, late, 0).room.entries).toEqual(done.entries);
    }
  });

  test('whose result overtook its ack is one entry in the end', () => {
    const early = receiveTask(append(newRoom('g'), myTask()), news(), 0).room;
    expect(early.entries).toHaveLength(2);
    expect(ackTask(early, 'o:1', 'T', 'received').entries).toMatchObject([{ key: 'o:1', mine: true, state: 'success', result: 5, input: { x: 2, y: 3 } }]);
  });

  test('tells why it failed', () => {
    const failed = receiveTask(newRoom('g'), news({ state: 'failure', error: { code: 'bad_request', message: 'seconds is 1 to 20' } }), 0).room;
    expect(failed.entries).toMatchObject([{ state: 'failure', problem: 'seconds is 1 to 20' }]);
  });

  test('takes its events once and in their order', () => {
    const event = (state: TaskFrame['state'], step: number): TaskFrame => ({ event: 'task', taskId: 't', task: 'add', state, step });
    const states = (...frames: TaskFrame[]) =>
      frames.reduce((room, frame) => receiveTask(room, frame, 0).room, newRoom('g')).entries.map((e) => e.kind === 'task' && e.state);
    expect(states(event('started', 1), event('retry', 2), event('started', 1))).toEqual(['retry']);
    expect(states(event('success', 3), event('progress', 2), event('success', 3))).toEqual(['success']);
    expect(states(event('failure', 3), event('success', 1001))).toEqual(['success']); // an operator had it run again
    expect(states(event('revoked', 1), event('started', 1))).toEqual(['revoked']);
  });

  test('stands where its number in the group says', () => {
    const message = (seq: number): MessageFrame => ({ event: 'message', group: 'g', seq, messageId: `m${seq}`, from: '', message: seq, sentAt: '' });
    let room = newRoom('g');
    for (const seq of [1, 3]) room = receiveMessage(room, message(seq), '').room;
    room = receiveTask(room, { event: 'task', taskId: 't', task: 'add', state: 'success', step: 1, seq: 2, group: 'g' }, 0).room;
    expect(room.entries.map((e) => e.seq)).toEqual([1, 2, 3]);
  });

  test('that waits for a result is lost with the connection; a finished one is not', () => {
    const room = append(append(newRoom(''), myTask({ state: 'queued' })), myTask({ key: 'o:2', state: 'success' }));
    expect(loseTasks(room).entries.map((e) => e.kind === 'task' && e.state)).toEqual(['lost', 'success']);
  });
});

test('a room keeps the newest entries', () => {
  let room = newRoom('g');
  for (let i = 0; i <= maxEntries; i++) room = append(room, mine({ key: `k${i}` }));
  expect(room.entries).toHaveLength(maxEntries);
  expect(room.entries.at(-1)?.key).toBe(`k${maxEntries}`);
});

test.each([['general', true], ['a-b_c.d=', true], ['', false], ['two words', false], ['ümlaut', false], ['x'.repeat(100), true], ['x'.repeat(101), false]])(
  'the room name %j is fine: %s',
  (name, fine) => {
    expect(roomNameProblem(name) === undefined).toBe(fine);
  },
);
