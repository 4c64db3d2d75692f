// The order of one group's messages. The server numbers them 1, 2, 3; the wire may repeat, swap and lose them.
import type { AckFrame, GroupFrame } from './frames';

/** Takes frames as they come, and gives them once and in order. What is missing must be asked for (`resume`). */
export class GroupOrder {
  /** The number up to which everything was given; undefined before the first answer to resume. */
  last: number | undefined;
  private readonly waiting = new Map<number, GroupFrame>();

  /** Takes a frame, and gives what can be shown now. A frame without a number, of a server that has none, is given at once. */
  take(frame: GroupFrame): GroupFrame[] {
    if (frame.seq === undefined) return [frame];
    if (this.last !== undefined && frame.seq <= this.last) return [];
    this.waiting.set(frame.seq, frame);
    return this.drain();
  }

  /** Says whether something waits for what is missing before it. */
  get gap(): boolean {
    return this.waiting.size > 0;
  }

  /** Takes an answer to resume, and gives what can be shown now. */
  resumed(answer: AckFrame): GroupFrame[] {
    const seq = answer.seq ?? 0;
    const entries = answer.entries ?? [];
    const before = answer.reset || this.last === undefined ? 0 : this.last;
    const news = entries.filter((e) => (e.seq ?? 0) > before);
    this.last = answer.reset ? seq : Math.max(seq, before);
    for (const known of this.waiting.keys()) if (known <= this.last) this.waiting.delete(known);
    return [...news, ...this.drain()];
  }

  private drain(): GroupFrame[] {
    const out: GroupFrame[] = [];
    if (this.last === undefined) return out;
    for (let next = this.waiting.get(this.last + 1); next; next = this.waiting.get(this.last + 1)) {
      this.waiting.delete(++this.last);
      out.push(next);
    }
    return out;
  }
}
