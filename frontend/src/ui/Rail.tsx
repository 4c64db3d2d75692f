import { ActionIcon, CloseButton, ScrollArea, TextInput, UnstyledButton } from '@mantine/core';
import { IconChecklist, IconHash, IconPlus, IconSettings } from '@tabler/icons-react';
import { useState, type SyntheticEvent } from 'react';
import { inbox, roomNameProblem, type Room } from '../app/rooms';
import type { ChatStore, Snapshot } from '../app/store';
import { Face } from './Face';

interface Props {
  store: ChatStore;
  state: Snapshot;
  onPick: () => void;
  onClose: () => void;
  onSettings: () => void;
}

/** The list of rooms, a field to join one, and who we are. */
export function Rail({ store, state, onPick, onClose, onSettings }: Props) {
  const pick = (name: string) => {
    store.show(name);
    onPick();
  };
  const rooms = state.rooms.filter((r) => r.name !== inbox);
  const tasks = state.rooms.find((r) => r.name === inbox);
  return (
    <>
      <div className="rail-brand">
        <img src="./favicon.svg" alt="" width={28} height={28} />
        <span>disclone</span>
        <CloseButton hiddenFrom="sm" aria-label="Close the rooms" onClick={onClose} />
      </div>
      <ScrollArea className="rail-scroll" type="auto">
        {tasks && <RoomLink room={tasks} active={state.active === inbox} onPick={pick} />}
        <h2 className="rail-label">Rooms</h2>
        {rooms.length === 0 && <p className="rail-empty">You are in no room. Join one below.</p>}
        {rooms.map((room) => <RoomLink key={room.name} room={room} active={state.active === room.name} onPick={pick} />)}
      </ScrollArea>
      <JoinForm onJoin={(name) => { store.join(name); onPick(); }} />
      <UnstyledButton className="rail-me" onClick={onSettings} aria-label={`You are ${state.name}. Change your name`}>
        <Face name={state.name} size={34} />
        <span className="rail-name">{state.name}</span>
        <IconSettings size={18} aria-hidden />
      </UnstyledButton>
    </>
  );
}

function RoomLink({ room, active, onPick }: { room: Room; active: boolean; onPick: (name: string) => void }) {
  const isInbox = room.name === inbox;
  const Icon = isInbox ? IconChecklist : IconHash;
  const title = isInbox ? 'Tasks' : room.name;
  const unread = room.unread > 0 ? `, ${room.unread} unread` : '';
  return (
    <UnstyledButton
      className="rail-room" data-active={active || undefined} data-unread={room.unread > 0 || undefined}
      aria-current={active ? 'page' : undefined} aria-label={`${isInbox ? title : `Room ${title}`}${unread}`}
      onClick={() => { onPick(room.name); }}
    >
      <Icon size={18} aria-hidden />
      <span>{title}</span>
      {room.unread > 0 && <span className="rail-count">{room.unread > 99 ? '99+' : room.unread}</span>}
    </UnstyledButton>
  );
}

function JoinForm({ onJoin }: { onJoin: (name: string) => void }) {
  const [name, setName] = useState('');
  const [problem, setProblem] = useState('');
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const wanted = name.trim().replace(/^#/, '');
    const wrong = roomNameProblem(wanted);
    setProblem(wrong ?? '');
    if (wrong) return;
    setName('');
    onJoin(wanted);
  };
  return (
    <form className="rail-join" onSubmit={submit} aria-label="Join a room">
      <TextInput
        aria-label="Room name" placeholder="Join a room" value={name} error={problem} maxLength={101} autoComplete="off"
        autoCapitalize="none" spellCheck={false} leftSection={<IconHash size={16} aria-hidden />}
        onChange={(e) => { setName(e.currentTarget.value); setProblem(''); }}
        rightSection={
          <ActionIcon type="submit" variant={name ? 'filled' : 'subtle'} color={name ? 'iris' : 'gray'} aria-label="Join">
            <IconPlus size={18} />
          </ActionIcon>
        }
      />
    </form>
  );
}
