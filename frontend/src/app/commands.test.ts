import { expect, test } from 'vitest';
import { parseCommand, suggest } from './commands';

test.each([
  ['hello', { kind: 'text', text: 'hello' }],
  ['  two\nlines ', { kind: 'text', text: 'two\nlines' }],
  ['//etc', { kind: 'text', text: '/etc' }],
  ['/add 2 3', { kind: 'task', task: 'add', input: { x: 2, y: 3 } }],
  ['/add  -2   +3', { kind: 'task', task: 'add', input: { x: -2, y: 3 } }],
  ['/analyze a  b\nc', { kind: 'task', task: 'analyze', input: 'a  b\nc' }],
  ['/countdown 5', { kind: 'task', task: 'countdown', input: { seconds: 5 } }],
])('%j', (typed, want) => {
  expect(parseCommand(typed)).toEqual(want);
});

test.each(['/', '/dance', '/add', '/add 2', '/add 2 x', '/add 2 3 4', '/add 1e3 2', '/analyze', '/countdown', '/countdown 0', '/countdown 21', '/countdown 1.5'])(
  '%j is refused with a reason',
  (typed) => {
    expect(parseCommand(typed)).toMatchObject({ kind: 'invalid', reason: expect.stringMatching(/\/(add|countdown|analyze)/) as string });
  },
);

test('the commands are offered while their name is typed', () => {
  const names = (typed: string) => suggest(typed).map((c) => c.name);
  expect(names('/')).toEqual(['add', 'analyze', 'countdown']);
  expect(names('/an')).toEqual(['analyze']);
  expect(names('/add ')).toEqual([]);
  expect(names('hello')).toEqual([]);
  expect(names('/x')).toEqual([]);
});
