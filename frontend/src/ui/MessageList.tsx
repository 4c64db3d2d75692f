import { Button } from '@mantine/core';
import { IconArrowDown } from '@tabler/icons-react';
import { useLayoutEffect, useRef, useState } from 'react';
import { inbox, type Entry, type Room } from '../app/rooms';
import type { ChatStore } from '../app/store';
import type { ConnectionState } from '../realtime';
import { EmptyRoom } from './EmptyRoom';
import { EntryRow } from './EntryRow';

const nearBottom = 80; // px
const groupGap = 5 * 60_000; // ms: what one person writes within it stands under one name

const samePerson = (a: Entry, b: Entry) =>
  a.mine === b.mine && a.author === b.author && (a.mine || (a.kind === 'message' && b.kind === 'message' && a.from === b.from));

const follows = (before: Entry | undefined, entry: Entry) =>
  before !== undefined && samePerson(before, entry) && entry.author !== '' && entry.at - before.at < groupGap;

const dayOf = (at: number) => new Date(at).toDateString();

/** What was said and done in a room. It stays at the newest entry unless the user scrolled up. */
export function MessageList({ store, room, connection }: { store: ChatStore; room: Room; connection: ConnectionState }) {
  const box = useRef<HTMLDivElement>(null);
  const pinned = useRef(true);
  const [away, setAway] = useState(false);

  const toBottom = () => {
    const element = box.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  useLayoutEffect(() => {
    if (pinned.current || room.entries.at(-1)?.mine) toBottom();
  }, [room.entries]);
  useLayoutEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(() => { if (pinned.current) toBottom(); });
    observer.observe(box.current);
    return () => { observer.disconnect(); };
  }, []);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    pinned.current = element.scrollHeight - element.scrollTop - element.clientHeight < nearBottom;
    setAway(!pinned.current);
  };
  const title = room.name === inbox ? 'Tasks' : `Messages in ${room.name}`;
  return (
    <div className="list-frame">
      <div className="list" ref={box} onScroll={onScroll} role="log" aria-label={title} aria-live="polite" tabIndex={0}>
        {room.entries.length === 0 && <EmptyRoom store={store} room={room} connection={connection} />}
        {room.entries.map((entry, i) => {
          const before = room.entries[i - 1];
          const newDay = before !== undefined && dayOf(before.at) !== dayOf(entry.at);
          return (
            <div key={entry.key}>
              {newDay && <div className="day"><span>{new Date(entry.at).toLocaleDateString(undefined, { dateStyle: 'long' })}</span></div>}
              <EntryRow store={store} room={room.name} entry={entry} first={newDay || !follows(before, entry)} />
            </div>
          );
        })}
      </div>
      {away && (
        <Button className="list-jump" size="compact-md" radius="xl" leftSection={<IconArrowDown size={16} />} onClick={toBottom}>
          Newest messages
        </Button>
      )}
    </div>
  );
}
