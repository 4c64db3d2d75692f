// A client of the protocol over one WebSocket that comes back by itself. It matches replies to requests, knows the
// connection's state, and is in its groups again after a reconnect. It knows no user interface; partysocket does the
// reconnecting, with back-off.
import ReconnectingWebSocket from 'partysocket/ws';
import { GroupOrder } from './order';
import { parseFrame, type AckFrame, type ClientFrame, type ErrorFrame, type GroupFrame, type MessageFrame, type TaskFrame } from './frames';

/**
 * connecting: the first attempt. online: frames go both ways. reconnecting: the connection was lost or refused and is
 * tried again. offline: the browser has no network, many attempts failed (they go on, slowly), or close was called.
 */
export type ConnectionState = 'connecting' | 'online' | 'reconnecting' | 'offline';

/** Why a request got no ack. `code` is the server's (docs/protocol.md) or one of timeout, disconnected, offline. */
export class RealtimeError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'RealtimeError';
    this.code = code;
  }
}

/** What a client reports. */
export interface RealtimeEvents {
  state: (state: ConnectionState) => void;
  /** A group's messages come once and in order, over reconnects too. */
  message: (frame: MessageFrame) => void;
  /** What we had of a group is no longer kept by the server: its latest messages follow as new ones. */
  reset: (group: string) => void;
  task: (frame: TaskFrame) => void;
  /** An error frame that answers no request of ours. */
  error: (frame: ErrorFrame) => void;
  /** We are in the group: after a join, and again after each reconnect. */
  joined: (group: string) => void;
  /** A group could not be joined. One that failed after a reconnect is tried again at the next. */
  joinFailed: (group: string, error: RealtimeError) => void;
}

export interface RealtimeOptions {
  /** How long a request waits for its reply, in ms. 10,000 if not given. */
  ackTimeout?: number;
  /** The first delay between attempts, in ms. About 500 to 1,000, chosen at random, if not given; it grows to 15,000. */
  minDelay?: number;
  /** After how many failed attempts the state is offline. 4 if not given. */
  offlineAfter?: number;
  /** Every so many ms of silence the groups are joined again, since API Gateway closes after 10 idle minutes. 8 minutes. */
  keepAlive?: number;
  /** How long a missing message may still be on its way before it is asked for, in ms. 150 if not given. */
  patience?: number;
  /** The WebSocket class, where there is no global one (Node before 22). */
  WebSocket?: unknown;
}

interface Pending {
  resolve: (ack: AckFrame) => void;
  reject: (error: RealtimeError) => void;
  timer: ReturnType<typeof setTimeout>;
}

type Listeners = { [K in keyof RealtimeEvents]: Set<RealtimeEvents[K]> };

const normalClosure = 1000;

/** Between two attempts to resume a group that got no further, in ms. */
const resumePause = 1000;

const page = typeof window === 'undefined' ? undefined : window;

export class RealtimeClient {
  private socket: ReconnectingWebSocket;
  private readonly pending = new Map<string, Pending>();
  private readonly groups = new Set<string>();
  private readonly joining = new Map<string, Promise<AckFrame>>();
  private readonly orders = new Map<string, GroupOrder>();
  private readonly resuming = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly listeners: Listeners = {
    state: new Set(), message: new Set(), reset: new Set(), task: new Set(), error: new Set(), joined: new Set(), joinFailed: new Set(),
  };
  private readonly url: string;
  private readonly options: RealtimeOptions;
  private readonly ackTimeout: number;
  private readonly offlineAfter: number;
  private readonly keepAlive: number;
  private current: ConnectionState = 'connecting';
  private wasOnline = false;
  private failures = 0;
  private lastId = 0;
  private idle: ReturnType<typeof setTimeout> | undefined;

  /** Starts to connect. Close it when it is no longer needed. It throws a SyntaxError for a bad URL. */
  constructor(url: string, options: RealtimeOptions = {}) {
    this.ackTimeout = options.ackTimeout ?? 10_000;
    this.offlineAfter = options.offlineAfter ?? 4;
    this.keepAlive = options.keepAlive ?? 8 * 60_000;
    this.url = checkUrl(url);
    this.options = options;
    this.socket = this.open();
    page?.addEventListener('online', this.onNetwork);
    page?.addEventListener('offline', this.onNetwork);
  }

  get state(): ConnectionState {
    return this.current;
  }

  /** Calls `listener` for each event of a kind, until the function that it gives is called. */
  on<K extends keyof RealtimeEvents>(event: K, listener: RealtimeEvents[K]): () => void {
    this.listeners[event].add(listener);
    return () => {
      this.listeners[event].delete(listener);
    };
  }

  /**
   * Sends a frame and gives its ack. A frame to a group that is being joined waits for that. A group of ours that the server
   * has put us out of, because a post did not reach us, is joined again first. It rejects with a RealtimeError.
   */
  async request(frame: ClientFrame): Promise<AckFrame> {
    if (frame.action !== 'sendMessage' || frame.group === undefined) return this.send(frame);
    await this.joining.get(frame.group);
    try {
      return await this.send(frame);
    } catch (error) {
      if (!(error instanceof RealtimeError) || error.code !== 'forbidden' || !this.groups.has(frame.group)) throw error;
      await this.rejoin(frame.group);
      return this.send(frame);
    }
  }

  /** Joins a group, now and after each reconnect until leave. Offline it resolves without an ack: the join is made later. */
  async join(group: string): Promise<void> {
    this.groups.add(group);
    if (this.current !== 'online') return;
    try {
      await this.rejoin(group);
    } catch (error) {
      if (error instanceof RealtimeError && isRefusal(error.code)) this.groups.delete(group);
      throw error;
    }
  }

  /** Leaves a group. Offline there is nothing to leave: the connection's memberships ended with it. */
  async leave(group: string): Promise<void> {
    this.groups.delete(group);
    this.orders.delete(group);
    if (this.current !== 'online') return;
    await this.send({ action: 'leaveGroup', group });
  }

  /** Tries to connect now instead of at the next attempt. */
  reconnect(): void {
    this.failures = 0;
    this.abandon();
    this.setState(this.wasOnline ? 'reconnecting' : 'connecting');
    this.socket = this.open(); // partysocket's own reconnect() would wait out a delay that has begun
  }

  /** Ends the connection for good. Requests under way are rejected. */
  close(): void {
    page?.removeEventListener('online', this.onNetwork);
    page?.removeEventListener('offline', this.onNetwork);
    this.abandon();
    this.setState('offline');
  }

  private open(): ReconnectingWebSocket {
    const { minDelay, WebSocket } = this.options;
    const socket = new ReconnectingWebSocket(this.url, undefined, {
      minReconnectionDelay: minDelay ?? 500 + Math.random() * 500,
      maxReconnectionDelay: 15_000,
      reconnectionDelayGrowFactor: 1.6,
      minUptime: 2_000,
      connectionTimeout: 8_000,
      maxEnqueuedMessages: 0, // what was not sent fails at once: a late chat message nobody waits for is worse than a retry
      ...(WebSocket === undefined ? {} : { WebSocket }),
    });
    socket.addEventListener('open', this.onOpen);
    socket.addEventListener('close', this.onClose);
    socket.addEventListener('message', this.onMessage);
    return socket;
  }

  private abandon(): void {
    this.socket.removeEventListener('open', this.onOpen);
    this.socket.removeEventListener('close', this.onClose);
    this.socket.removeEventListener('message', this.onMessage);
    this.socket.close(normalClosure);
    this.drop();
  }

  private send(frame: ClientFrame): Promise<AckFrame> {
    if (this.current !== 'online') return Promise.reject(new RealtimeError('offline', 'There is no connection.'));
    const id = String(++this.lastId);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new RealtimeError('timeout', 'The server did not answer in time.'));
      }, this.ackTimeout);
      this.pending.set(id, { resolve, reject, timer });
      this.socket.send(JSON.stringify({ ...frame, id }));
      this.stayAwake();
    });
  }

  private rejoin(group: string): Promise<AckFrame> {
    const joined = this.send({ action: 'joinGroup', group });
    this.joining.set(group, joined);
    const done = () => {
      if (this.joining.get(group) === joined) this.joining.delete(group);
    };
    joined.then(
      () => {
        done();
        this.emit('joined', group);
        void this.resume(group);
      },
      (error: unknown) => {
        done();
        if (error instanceof RealtimeError) this.emit('joinFailed', group, error);
      },
    );
    return joined;
  }

  /** Asks for what is missing of a group until nothing is. Live frames that come meanwhile wait for it. */
  private async resume(group: string): Promise<void> {
    clearTimeout(this.resuming.get(group));
    this.resuming.delete(group);
    const order = this.orders.get(group) ?? new GroupOrder();
    this.orders.set(group, order);
    const before = order.last;
    let answer: AckFrame;
    try {
      answer = await this.send({ action: 'resume', group, ...(before === undefined ? {} : { after: before }) });
    } catch (error) {
      if (this.current === 'online' && error instanceof RealtimeError && !isRefusal(error.code)) this.resumeLater(group, resumePause);
      return; // after a reconnect the join asks again
    }
    if (this.orders.get(group) !== order) return; // left meanwhile
    if (answer.reset && before !== undefined) this.emit('reset', group);
    this.give(order.resumed(answer));
    if (answer.more || order.gap) this.resumeLater(group, order.last === before ? resumePause : 0);
  }

  private resumeLater(group: string, delay: number): void {
    if (this.resuming.has(group)) return;
    this.resuming.set(group, setTimeout(() => {
      this.resuming.delete(group);
      if (this.current === 'online' && this.groups.has(group)) void this.resume(group);
    }, delay));
  }

  private receive(group: string, frame: GroupFrame): void {
    const order = this.orders.get(group) ?? new GroupOrder();
    this.orders.set(group, order);
    this.give(order.take(frame));
    if (order.gap) this.resumeLater(group, this.options.patience ?? 150);
  }

  private give(frames: GroupFrame[]): void {
    for (const frame of frames) {
      if (frame.event === 'message') this.emit('message', frame);
      else this.emit('task', frame);
    }
  }

  private rejoinAll(): void {
    for (const group of this.groups) this.rejoin(group).catch(() => undefined); // joinFailed has told
  }

  private readonly onOpen = () => {
    this.failures = 0;
    this.wasOnline = true;
    this.current = 'online'; // before the joins, so that they may be sent; told after, so that listeners' sends wait for them
    this.rejoinAll();
    this.stayAwake();
    this.emit('state', 'online');
  };

  private readonly onClose = () => {
    this.failures++;
    this.drop();
    const lost = this.failures >= this.offlineAfter || !hasNetwork();
    this.setState(lost ? 'offline' : this.wasOnline || this.failures > 0 ? 'reconnecting' : 'connecting');
  };

  private readonly onNetwork = () => {
    if (hasNetwork()) {
      if (this.current !== 'online') this.reconnect();
      return;
    }
    this.drop();
    this.setState('offline');
  };

  private readonly onMessage = (event: MessageEvent) => {
    const frame = typeof event.data === 'string' ? parseFrame(event.data) : undefined;
    if (!frame) return;
    if (frame.event === 'message') this.receive(frame.group, frame);
    else if (frame.event === 'task' && frame.group !== undefined && frame.seq !== undefined) this.receive(frame.group, frame);
    else if (frame.event === 'task') this.emit('task', frame);
    else this.settle(frame);
  };

  private settle(frame: AckFrame | ErrorFrame): void {
    const request = frame.id === undefined ? undefined : this.pending.get(frame.id);
    if (!request) {
      if (frame.event === 'error') this.emit('error', frame);
      return;
    }
    this.pending.delete(frame.id ?? '');
    clearTimeout(request.timer);
    if (frame.event === 'ack') request.resolve(frame);
    else request.reject(new RealtimeError(frame.code, frame.message));
  }

  /** Rejects what waits for a reply that can no longer come. */
  private drop(): void {
    clearTimeout(this.idle);
    for (const timer of this.resuming.values()) clearTimeout(timer);
    this.resuming.clear();
    for (const { reject, timer } of this.pending.values()) {
      clearTimeout(timer);
      reject(new RealtimeError('disconnected', 'The connection was lost before the server answered.'));
    }
    this.pending.clear();
  }

  private stayAwake(): void {
    clearTimeout(this.idle);
    this.idle = setTimeout(() => {
      this.rejoinAll();
      this.stayAwake();
    }, this.keepAlive);
  }

  private setState(state: ConnectionState): void {
    if (state === this.current) return;
    this.current = state;
    this.emit('state', state);
  }

  private emit<K extends keyof RealtimeEvents>(event: K, ...args: Parameters<RealtimeEvents[K]>): void {
    for (const listener of [...this.listeners[event]]) (listener as (...args: unknown[]) => void)(...args);
  }
}

const hasNetwork = () => page?.navigator.onLine !== false;

/** Says whether a code means that asking again would be refused again. */
const isRefusal = (code: string) => ['bad_request', 'forbidden', 'not_found', 'too_large'].includes(code);

/** Gives the URL as the browser wants it, or throws a SyntaxError that says what is wrong with it. */
export function checkUrl(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url.trim());
  } catch {
    throw new SyntaxError('This is not a URL.');
  }
  if (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:') {
    throw new SyntaxError('The URL must start with wss:// or ws://.');
  }
  return parsed.href;
}
