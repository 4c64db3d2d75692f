// The page's state, and everything the user can do. It listens to one RealtimeClient at a time and knows no React:
// components subscribe to snapshots.
import { RealtimeClient, RealtimeError, type ConnectionState, type Json, type MessageFrame, type TaskFrame } from '../realtime';
import { parseCommand } from './commands';
import {
  ackTask, append, finished, forget, inbox, loseTasks, newRoom, patch, receiveMessage, receiveTask, type Entry, type MessageEntry, type Room,
  type TaskEntry,
} from './rooms';

export interface Snapshot {
  /** Empty until a server is chosen. */
  url: string;
  /** Why the URL cannot be used. */
  urlProblem: string;
  name: string;
  connection: ConnectionState;
  rooms: readonly Room[];
  /** The name of the room that is shown. */
  active: string;
  /** An error frame that answered nothing of ours; it can be dismissed. */
  notice: string;
}

/** What is kept between visits. localStorage has this shape. */
export interface Storage {
  getItem: (key: string) => string | null;
  setItem: (key: string, value: string) => void;
}

const nameKey = 'disclone.name';
const roomsKey = 'disclone.rooms';
const activeKey = 'disclone.active';

/** What a store needs of its surroundings. */
export interface Surroundings {
  /** Kept between visits: rooms, and the name the user chose. */
  local: Storage;
  /** Kept for this window only: a guest's made-up name, so that two windows are two people. */
  session: Storage;
  connect?: (url: string) => RealtimeClient;
}

/** The room of somebody who was never here. */
const firstRoom = 'general';

export class ChatStore {
  private snapshot: Snapshot;
  private client: RealtimeClient | undefined;
  private readonly listeners = new Set<() => void>();
  private readonly local: Storage;
  private readonly session: Storage;
  private readonly connect: (url: string) => RealtimeClient;
  private self = ''; // our connection id, learnt from the first message of ours that comes back
  private lastKey = 0;
  private recovery: ReturnType<typeof setTimeout> | undefined;

  constructor({ local, session, connect }: Surroundings) {
    this.local = local;
    this.session = session;
    this.connect = connect ?? ((url) => new RealtimeClient(url));
    const rooms = [newRoom(inbox), ...readNames(local).map(newRoom)];
    const active = local.getItem(activeKey) ?? firstRoom;
    this.snapshot = {
      url: '', urlProblem: '', name: session.getItem(nameKey) ?? local.getItem(nameKey) ?? guestName(), connection: 'offline',
      rooms, active: rooms.some((r) => r.name === active) ? active : inbox, notice: '',
    };
    session.setItem(nameKey, this.snapshot.name);
  }

  readonly getSnapshot = (): Snapshot => this.snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Connects to a server, leaving the one before. */
  open(url: string): void {
    this.client?.close();
    this.client = undefined;
    this.self = '';
    try {
      this.client = this.connect(url);
    } catch (error) {
      this.set({ url, urlProblem: problemOf(error), connection: 'offline' });
      return;
    }
    this.set({ url, urlProblem: '', connection: this.client.state });
    this.listen(this.client);
    for (const room of this.snapshot.rooms) if (room.name !== inbox) void this.client.join(room.name);
  }

  close(): void {
    clearTimeout(this.recovery);
    this.client?.close();
  }

  reconnect(): void {
    this.client?.reconnect();
  }

  setName(name: string): void {
    this.session.setItem(nameKey, name);
    this.local.setItem(nameKey, name);
    this.set({ name });
  }

  dismissNotice(): void {
    this.set({ notice: '' });
  }

  /** Shows a room and marks it read. */
  show(name: string): void {
    this.local.setItem(activeKey, name);
    this.set({ active: name });
    this.update(name, (room) => ({ ...room, unread: 0 }));
  }

  /** Joins a room, or shows it if we are in it. What goes wrong is shown in the room. */
  join(name: string): void {
    if (!this.room(name)) this.set({ rooms: [...this.snapshot.rooms, newRoom(name)] });
    this.saveRooms();
    this.show(name);
    this.client?.join(name).catch(() => undefined); // joinFailed tells
  }

  leave(name: string): void {
    if (name === inbox) return;
    this.set({ rooms: this.snapshot.rooms.filter((r) => r.name !== name) });
    this.saveRooms();
    if (this.snapshot.active === name) this.show(this.snapshot.rooms.at(-1)?.name ?? inbox);
    this.client?.leave(name).catch(() => undefined); // a lost connection has left as well
  }

  /** Sends what was typed to the room that is shown. It gives what is wrong with it, or nothing. */
  submit(typed: string): string | undefined {
    const command = parseCommand(typed);
    if (command.kind === 'invalid') return command.reason;
    const room = this.snapshot.active;
    if (command.kind === 'task') this.startTask(room, command.task, command.input);
    else if (!command.text) return undefined;
    else if (room === inbox) this.startTask(room, 'analyze', command.text);
    else this.say(room, command.text);
    return undefined;
  }

  /** Sends an entry again that was not sent, or whose result was lost. */
  retry(room: string, entry: Entry): void {
    this.update(room, (r) => ({ ...r, entries: r.entries.filter((e) => e.key !== entry.key) }));
    if (entry.kind === 'message') this.say(room, entry.content, entry.messageId);
    else if (entry.input !== undefined) this.startTask(room, entry.task, entry.input);
  }

  /** Takes an entry that was not sent out of the room. */
  discard(room: string, key: string): void {
    this.update(room, (r) => ({ ...r, entries: r.entries.filter((e) => e.key !== key) }));
  }

  /** Says something in a group. Said again under the same id, it is in the group once, whether or not it had arrived. */
  private say(group: string, content: Json, messageId = newId()): void {
    const entry: MessageEntry = { ...this.newEntry(), kind: 'message', from: '', content, status: 'sending', messageId };
    this.update(group, (room) => append(room, entry));
    this.insist({ action: 'sendMessage', group, name: entry.author, message: content, messageId }).then(
      () => { this.update(group, (room) => patch(room, entry.key, (e) => (e.kind === 'message' ? { ...e, status: 'sent' } : e))); },
      (error: unknown) => {
        this.update(group, (room) => patch(room, entry.key, (e) =>
          e.kind === 'message' && e.status === 'sending' ? { ...e, status: 'failed', problem: problemOf(error) } : e));
      },
    );
  }

  /** Asks the server not to run a task any further. */
  cancel(room: string, entry: TaskEntry): void {
    if (entry.taskId === undefined) return;
    this.request({ action: 'revokeTask', taskId: entry.taskId }).then(
      (ack) => { if (ack.known?.state === 'revoked') this.onTask({ ...ack.known, ...(room === inbox ? {} : { group: room }) }); },
      (error: unknown) => { this.set({ notice: problemOf(error) }); },
    );
  }

  /** Asks for the tasks whose results would have come to the connection before this one, until they are there. */
  private async recover(pause = recoverPause): Promise<void> {
    const lost = () => this.room(inbox)?.entries.filter((e): e is TaskEntry => e.kind === 'task' && e.state === 'lost') ?? [];
    for (const { taskId } of lost()) {
      if (taskId === undefined) continue;
      const ack = await this.request({ action: 'getTask', taskId }).catch(() => undefined);
      const known = ack?.known;
      if (known && finished(known.state)) this.onTask(known);
    }
    clearTimeout(this.recovery);
    if (this.snapshot.connection !== 'online' || lost().length === 0) return;
    this.recovery = setTimeout(() => { void this.recover(2 * pause); }, Math.min(pause, maxRecoverPause));
  }

  private startTask(room: string, task: string, input: Json): void {
    const messageId = newId();
    const entry: TaskEntry = { ...this.newEntry(), kind: 'task', task, input, state: 'sending', messageId };
    this.update(room, (r) => append(r, entry));
    const target = room === inbox ? {} : { group: room, name: entry.author, messageId };
    this.request({ action: 'sendMessage', task, message: input, ...target }).then(
      (ack) => { this.update(room, (r) => ackTask(r, entry.key, ack.taskId ?? '', ack.message)); },
      (error: unknown) => {
        this.update(room, (r) => patch(r, entry.key, (e) =>
          e.kind === 'task' && e.state === 'sending' ? { ...e, state: 'unsent', problem: problemOf(error) } : e));
      },
    );
  }

  private newEntry() {
    return { key: `o:${++this.lastKey}`, at: Date.now(), author: this.snapshot.name, mine: true };
  }

  /** Sends a message, and again under the same id when no answer came: it may or may not have arrived. */
  private async insist(frame: Parameters<RealtimeClient['request']>[0]) {
    for (let tries = 1; ; tries++) {
      try {
        return await this.request(frame);
      } catch (error) {
        const unknown = error instanceof RealtimeError && (error.code === 'timeout' || error.code === 'disconnected');
        if (!unknown || tries === maxTries || !(await this.online())) throw error;
      }
    }
  }

  /** Waits for the connection, for a while. It says whether it is there. */
  private online(): Promise<boolean> {
    if (this.snapshot.connection === 'online') return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (there: boolean) => { clearTimeout(timer); stop(); resolve(there); };
      const timer = setTimeout(() => { done(false); }, patience);
      const stop = this.subscribe(() => { if (this.snapshot.connection === 'online') done(true); });
    });
  }

  private request(frame: Parameters<RealtimeClient['request']>[0]) {
    return this.client?.request(frame) ?? Promise.reject(new RealtimeError('offline', 'No server is chosen yet.'));
  }

  private listen(client: RealtimeClient): void {
    client.on('state', (state) => { this.onState(state); });
    client.on('message', (frame) => { this.onMessage(frame); });
    client.on('reset', (group) => { this.update(group, forget); });
    client.on('task', (frame) => { this.onTask(frame); });
    client.on('error', (frame) => { this.set({ notice: frame.message || frame.code }); });
    client.on('joined', (group) => { this.update(group, ({ problem: _, ...room }) => ({ ...room, joined: true })); });
    client.on('joinFailed', (group, error) => { this.update(group, (room) => ({ ...room, joined: false, problem: error.message })); });
  }

  private onState(connection: ConnectionState): void {
    this.set({ connection });
    if (connection === 'online') {
      void this.recover();
      return;
    }
    this.self = '';
    this.set({ rooms: this.snapshot.rooms.map((r) => (r.name === inbox ? loseTasks(r) : { ...r, joined: false })) });
  }

  private onMessage(frame: MessageFrame): void {
    const room = this.room(frame.group);
    if (!room) return; // left meanwhile
    const received = receiveMessage(room, frame, this.self);
    if (received.echo) this.self = frame.from;
    this.update(frame.group, () => this.counted(received.room, received.added));
  }

  private onTask(frame: TaskFrame): void {
    const room = this.room(frame.group ?? inbox);
    if (!room) return;
    const received = receiveTask(room, frame, Date.now());
    this.update(room.name, () => this.counted(received.room, received.added || frame.state !== 'progress'));
  }

  private counted(room: Room, news: boolean): Room {
    return news && room.name !== this.snapshot.active ? { ...room, unread: room.unread + 1 } : room;
  }

  private room(name: string): Room | undefined {
    return this.snapshot.rooms.find((r) => r.name === name);
  }

  private update(name: string, change: (room: Room) => Room): void {
    this.set({ rooms: this.snapshot.rooms.map((r) => (r.name === name ? change(r) : r)) });
  }

  private saveRooms(): void {
    this.local.setItem(roomsKey, JSON.stringify(this.snapshot.rooms.map((r) => r.name).filter((n) => n !== inbox)));
  }

  private set(change: Partial<Snapshot>): void {
    this.snapshot = { ...this.snapshot, ...change };
    for (const listener of this.listeners) listener();
  }
}

function readNames(storage: Storage): string[] {
  const saved = storage.getItem(roomsKey);
  if (saved === null) return [firstRoom];
  try {
    const names: unknown = JSON.parse(saved);
    return Array.isArray(names) ? names.filter((n): n is string => typeof n === 'string' && n !== inbox) : [];
  } catch {
    return [];
  }
}

/** How often a message without an answer is sent at most, and how long it waits for a connection between, in ms. */
const maxTries = 3;
/** Between two questions for a task whose result was lost, in ms. */
const recoverPause = 1000;
const maxRecoverPause = 60_000;
const patience = 10_000;

// crypto.randomUUID exists in secure contexts only, and a page on another machine of the network is none.
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');

const guestName = () => `Guest ${Math.floor(100 + Math.random() * 900)}`;

const problemOf = (error: unknown) => (error instanceof Error ? error.message : 'Something went wrong.');
