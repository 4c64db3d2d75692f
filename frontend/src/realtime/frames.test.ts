import { describe, expect, test } from 'vitest';
import { parseFrame } from './frames';

describe('parseFrame', () => {
  test.each([
    ['an ack', { event: 'ack', id: '7', message: 'ok', taskId: 'T' }, { event: 'ack', id: '7', message: 'ok', taskId: 'T' }],
    ['a numeric id as text', { event: 'ack', id: 4, message: 'ok' }, { event: 'ack', id: '4', message: 'ok' }],
    [
      'a message with any JSON in it',
      { event: 'message', group: 'g', messageId: 'm', from: 'c=', message: { x: [1] }, sentAt: '2026-11-24T03:00:00.000Z' },
      { event: 'message', group: 'g', messageId: 'm', from: 'c=', message: { x: [1] }, sentAt: '2026-11-24T03:00:00.000Z' },
    ],
    ['a result of 0', { event: 'task', taskId: 'T', task: 'add', state: 'success', result: 0 }, { event: 'task', taskId: 'T', task: 'add', state: 'success', result: 0 }],
    ['a result of null', { event: 'task', taskId: 'T', task: 'x', state: 'success', result: null }, { event: 'task', taskId: 'T', task: 'x', state: 'success', result: null }],
    [
      'a failure',
      { event: 'task', taskId: 'T', task: 'add', state: 'failure', error: { code: 'bad_request', message: 'no' } },
      { event: 'task', taskId: 'T', task: 'add', state: 'failure', error: { code: 'bad_request', message: 'no' } },
    ],
    ['an error', { event: 'error', code: 'forbidden', message: 'no', extra: 1 }, { event: 'error', code: 'forbidden', message: 'no' }],
    [
      'an error of API Gateway',
      { message: 'Internal server error', connectionId: 'c', requestId: 'r' },
      { event: 'error', code: 'internal', message: 'Internal server error' },
    ],
    ['its throttling', { message: 'Too Many Requests', connectionId: 'c', requestId: 'r' }, { event: 'error', code: 'throttled', message: 'Too Many Requests' }],
  ])('reads %s', (_, sent, want) => {
    expect(parseFrame(JSON.stringify(sent))).toEqual(want);
  });

  test.each(['', 'hello', 'null', '[]', '7', '{"event":"dance"}', '{"message":"hi"}', '{"event":"message","group":"g"}', '{"event":"task","taskId":"T","state":"asleep"}'])(
    'ignores %s',
    (text) => {
      expect(parseFrame(text)).toBeUndefined();
    },
  );
});
