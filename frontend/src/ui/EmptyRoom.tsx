import { Button, Loader } from '@mantine/core';
import { IconAlertTriangle, IconChecklist, IconHash, IconPlugConnectedX } from '@tabler/icons-react';
import { useState } from 'react';
import { commands } from '../app/commands';
import { inbox, type Room } from '../app/rooms';
import type { ChatStore } from '../app/store';
import type { ConnectionState } from '../realtime';

interface Props {
  store: ChatStore;
  room: Room;
  connection: ConnectionState;
}

/** What a room shows before there is anything in it: what it is for, or why it cannot be used. */
export function EmptyRoom({ store, room, connection }: Props) {
  if (room.problem) {
    return (
      <Empty icon={<IconAlertTriangle size={30} />} tone="error" title={`You could not join #${room.name}`} text={room.problem}>
        <Button variant="light" onClick={() => { store.join(room.name); }}>Try again</Button>
        <Button variant="subtle" color="gray" onClick={() => { store.leave(room.name); }}>Remove it</Button>
      </Empty>
    );
  }
  if (connection === 'offline') {
    return <Empty icon={<IconPlugConnectedX size={30} />} title="Nothing here while you are offline" text="It goes on as soon as there is a connection." />;
  }
  if (!room.joined) return <Empty icon={<Loader size={28} />} title={`Joining #${room.name}`} text="This takes a moment." />;
  if (room.name === inbox) {
    return (
      <Empty icon={<IconChecklist size={30} />} title="Your background tasks" text="What you start here runs on the server. You see at once that it was accepted, and the result comes by itself.">
        <Examples store={store} />
      </Empty>
    );
  }
  return (
    <Empty icon={<IconHash size={30} />} title={`Welcome to #${room.name}`} text="Say hello, or start a task that everybody here sees. Open a second window to talk to yourself.">
      <Examples store={store} />
    </Empty>
  );
}

function Examples({ store }: { store: ChatStore }) {
  const [problem, setProblem] = useState('');
  return (
    <>
      {commands.map((c) => (
        <Button key={c.name} variant="default" size="sm" className="example" title={c.about} onClick={() => { setProblem(store.submit(c.usage) ?? ''); }}>
          {c.usage}
        </Button>
      ))}
      {problem && <p role="alert">{problem}</p>}
    </>
  );
}

interface EmptyProps {
  icon: React.ReactNode;
  title: string;
  text: string;
  tone?: 'error';
  children?: React.ReactNode;
}

function Empty({ icon, title, text, tone, children }: EmptyProps) {
  return (
    <div className="empty" data-tone={tone}>
      <span className="empty-icon" aria-hidden>{icon}</span>
      <h2>{title}</h2>
      <p>{text}</p>
      <div className="empty-actions">{children}</div>
    </div>
  );
}
