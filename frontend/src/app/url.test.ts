import { expect, test } from 'vitest';
import { urlFromOutputs } from './url';

const output = (OutputKey: string, OutputValue: string) => ({ OutputKey, OutputValue, Description: '' });

test.each([
  ['the output of that name', [output('Other', 'wss://b'), output('WebSocketURL', 'wss://a')], 'wss://a'],
  ['the only WebSocket address', [output('Table', 'chat'), output('Url', 'ws://127.0.0.1:3001/dev')], 'ws://127.0.0.1:3001/dev'],
  ['nothing without one', [output('Page', 'https://a')], undefined],
  ['nothing from an empty list', [], undefined],
  ['nothing from something else', { OutputKey: 'WebSocketURL' }, undefined],
  ['nothing from broken rows', [{}, { OutputKey: 1, OutputValue: 2 }], undefined],
])('%s', (_, outputs, want) => {
  expect(urlFromOutputs(outputs)).toBe(want);
});
