// What the composer's text means: a plain message, or a slash command that starts a background task.
import type { Json } from '../realtime';

export type Command =
  | { kind: 'text'; text: string }
  | { kind: 'task'; task: string; input: Json }
  | { kind: 'invalid'; reason: string };

/** What the composer offers while a command is typed. */
export const commands = [
  { name: 'add', usage: '/add 2 3', about: 'adds two whole numbers' },
  { name: 'analyze', usage: '/analyze some text', about: 'counts characters, words and lines' },
  { name: 'countdown', usage: '/countdown 5', about: 'counts down, 1 to 20 seconds, and shows its progress' },
] as const;

const integer = (text: string | undefined) => (text !== undefined && /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined);

/** Reads what was typed. Text that starts with two slashes is a plain message that starts with one. */
export function parseCommand(typed: string): Command {
  const text = typed.trim();
  if (text.startsWith('//')) return { kind: 'text', text: text.slice(1) };
  if (!text.startsWith('/')) return { kind: 'text', text };
  const [name = '', ...words] = text.slice(1).split(/\s+/);
  switch (name) {
    case 'add':
      return parseAdd(words);
    case 'analyze': {
      const rest = text.slice('/analyze'.length).trim();
      return rest ? { kind: 'task', task: 'analyze', input: rest } : usage('analyze', 'needs a text');
    }
    case 'countdown':
      return parseCountdown(words);
    default:
      return { kind: 'invalid', reason: `There is no command /${name}. Try ${commands.map((c) => `/${c.name}`).join(', ')}.` };
  }
}

function parseAdd(words: string[]): Command {
  const [x, y] = words.map(integer);
  if (words.length !== 2 || x === undefined || y === undefined) return usage('add', 'needs two whole numbers');
  return { kind: 'task', task: 'add', input: { x, y } };
}

function parseCountdown(words: string[]): Command {
  const seconds = integer(words[0]);
  if (words.length !== 1 || seconds === undefined || seconds < 1 || seconds > 20) {
    return usage('countdown', 'needs a number of seconds, 1 to 20');
  }
  return { kind: 'task', task: 'countdown', input: { seconds } };
}

function usage(name: (typeof commands)[number]['name'], problem: string): Command {
  const command = commands.find((c) => c.name === name);
  return { kind: 'invalid', reason: `/${name} ${problem}: ${command?.usage ?? ''}` };
}

/** The commands that what was typed may still become; none once its name is complete and followed by a space. */
export function suggest(typed: string): (typeof commands)[number][] {
  if (!/^\/[a-z]*$/.test(typed)) return [];
  return commands.filter((c) => c.name.startsWith(typed.slice(1)));
}
