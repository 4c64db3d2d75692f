import { describe, expect, test } from 'vitest';
import type { GroupFrame, MessageFrame } from './frames';
import { GroupOrder } from './order';

const frame = (seq?: number): MessageFrame => ({
  event: 'message', group: 'g', messageId: `m${seq}`, from: '', message: seq ?? null, sentAt: '', ...(seq === undefined ? {} : { seq }),
});
const ack = (seq: number, entries: number[], more: { reset?: boolean; more?: boolean } = {}) => ({
  event: 'ack' as const, message: 'resumed', seq, entries: entries.map(frame), ...more,
});
const seqs = (frames: GroupFrame[]) => frames.map((f) => f.seq);

describe('GroupOrder', () => {
  test('holds everything back until the first answer', () => {
    const order = new GroupOrder();
    expect(order.take(frame(3))).toEqual([]);
    expect(order.gap).toBe(true);
    expect(seqs(order.resumed(ack(2, [1, 2], { reset: true })))).toEqual([1, 2, 3]);
    expect(order.gap).toBe(false);
  });

  test('gives each once and in order, however they come', () => {
    const order = new GroupOrder();
    order.resumed(ack(0, [], { reset: true }));
    expect(seqs(order.take(frame(2)))).toEqual([]);
    expect(seqs(order.take(frame(4)))).toEqual([]);
    expect(seqs(order.take(frame(1)))).toEqual([1, 2]);
    expect(seqs(order.take(frame(1)))).toEqual([]);
    expect(seqs(order.take(frame(2)))).toEqual([]);
    expect(seqs(order.take(frame(3)))).toEqual([3, 4]);
  });

  test('an answer fills a gap, and a number that nobody has is passed over', () => {
    const order = new GroupOrder();
    order.resumed(ack(1, [1], { reset: true }));
    expect(seqs(order.take(frame(5)))).toEqual([]);
    expect(seqs(order.resumed(ack(4, [2, 4])))).toEqual([2, 4, 5]);
    expect(order.last).toBe(5);
  });

  test('an answer that is late gives nothing again', () => {
    const order = new GroupOrder();
    order.resumed(ack(3, [3], { reset: true }));
    order.take(frame(4));
    expect(seqs(order.resumed(ack(3, [2, 3])))).toEqual([]);
    expect(order.last).toBe(4);
  });

  test('a reset begins anew, also below', () => {
    const order = new GroupOrder();
    order.resumed(ack(70, [70], { reset: true }));
    expect(seqs(order.resumed(ack(2, [1, 2], { reset: true })))).toEqual([1, 2]);
    expect(seqs(order.take(frame(3)))).toEqual([3]);
  });

  test('frames without numbers pass', () => {
    expect(new GroupOrder().take(frame())).toHaveLength(1);
  });

  test('any order of any frames, with losses that are asked for, is every message once and in order', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = () => { seed = (seed * 48271) % 2147483647; return seed / 2147483647; };
      const start = seed;
      const order = new GroupOrder();
      const got: (number | undefined)[] = [];
      got.push(...seqs(order.resumed(ack(0, [], { reset: true }))));
      const sent = Array.from({ length: 30 }, (_, i) => i + 1);
      const arrive = [...sent, ...sent].filter(() => random() > 0.3).sort(() => random() - 0.5);
      for (const seq of arrive) got.push(...seqs(order.take(frame(seq))));
      while ((order.last ?? 0) < 30) {
        const from = order.last ?? 0;
        const to = Math.min(30, from + 1 + Math.floor(random() * 5));
        got.push(...seqs(order.resumed(ack(to, sent.slice(from, to)))));
      }
      expect(got).toEqual(sent);
      seed = start;
    }
  });
});
