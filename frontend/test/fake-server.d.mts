export interface FakeServer {
  url: string;
  page: string;
  /** Every frame that came in, in order. */
  received: Record<string, unknown>[];
  /** While it is set, frames are received and not answered. */
  mute: boolean;
  drop: () => void;
  broadcast: (text: string) => void;
  connections: () => number;
  close: () => Promise<void>;
}

export function startFakeServer(port?: number): Promise<FakeServer>;
