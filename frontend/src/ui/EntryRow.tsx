import { Button } from '@mantine/core';
import { IconAlertCircle, IconBolt } from '@tabler/icons-react';
import { memo } from 'react';
import type { Entry, MessageEntry } from '../app/rooms';
import type { ChatStore } from '../app/store';
import { Face } from './Face';
import { JsonText } from './JsonText';
import { TaskCard } from './TaskCard';

interface Props {
  store: ChatStore;
  room: string;
  entry: Entry;
  /** Whether the author's name stands above it. */
  first: boolean;
}

const timeOf = (at: number) => new Date(at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });

/** One message or task of a room. */
export const EntryRow = memo(function EntryRow({ store, room, entry, first }: Props) {
  const author = entry.author || (entry.kind === 'task' ? 'Background task' : 'Somebody');
  return (
    <article className="row" data-first={first || undefined} aria-label={`${author}, ${timeOf(entry.at)}`}>
      <div className="row-side">
        {first ? <Avatar entry={entry} author={author} /> : <time className="row-time">{timeOf(entry.at)}</time>}
      </div>
      <div className="row-body">
        {first && (
          <div className="row-head">
            <span className="row-author">{author}</span>
            {entry.mine && <span className="row-you">you</span>}
            <time className="row-when" dateTime={new Date(entry.at).toISOString()}>{timeOf(entry.at)}</time>
          </div>
        )}
        {entry.kind === 'task' ? <TaskCard store={store} room={room} task={entry} /> : <Message store={store} room={room} entry={entry} />}
      </div>
    </article>
  );
});

function Avatar({ entry, author }: { entry: Entry; author: string }) {
  if (entry.kind === 'task' && !entry.author) return <span className="face face-task" aria-hidden><IconBolt size={20} /></span>;
  return <Face name={author} />;
}

function Message({ store, room, entry }: { store: ChatStore; room: string; entry: MessageEntry }) {
  return (
    <>
      <div className="text" data-status={entry.status}>
        {typeof entry.content === 'string' ? entry.content : <JsonText value={entry.content} />}
      </div>
      {entry.status === 'failed' && (
        <div className="failed" role="alert">
          <IconAlertCircle size={16} aria-hidden />
          <span>Not sent. {entry.problem}</span>
          <Button size="compact-xs" variant="light" color="red" onClick={() => { store.retry(room, entry); }}>Retry</Button>
          <Button size="compact-xs" variant="subtle" color="gray" onClick={() => { store.discard(room, entry.key); }}>Discard</Button>
        </div>
      )}
    </>
  );
}
