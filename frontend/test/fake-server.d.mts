export interface FakeServer {
  url: string;
  page: string;
  /** Every frame that came in, in order. */
  received: Record<string, unknown>[];
  /** While it is set, frames are received and not answered. */
  mute: boolean;
  /** What becomes of a message to a group on its way to one member: [] loses it, [m, m] repeats it. */
  fate: (event: object) => object[];
  drop: () => void;
  broadcast: (text: string) => void;
  connections: () => number;
  /** Puts everybody out of every group, as a server does that could not reach them. */
  forget: () => void;
  close: () => Promise<void>;
}

export function startFakeServer(port?: number): Promise<FakeServer>;
