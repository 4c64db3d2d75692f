import { ActionIcon, Burger, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconChecklist, IconDoorExit, IconHash, IconMoon, IconSettings, IconSun } from '@tabler/icons-react';
import { inbox, type Room } from '../app/rooms';
import type { ChatStore } from '../app/store';
import type { ConnectionState } from '../realtime';
import { ConnectionBadge } from './ConnectionBadge';

interface Props {
  store: ChatStore;
  room: Room;
  connection: ConnectionState;
  unread: number;
  railOpen: boolean;
  onRail: () => void;
  onSettings: () => void;
}

export function Header({ store, room, connection, unread, railOpen, onRail, onSettings }: Props) {
  const isInbox = room.name === inbox;
  const Icon = isInbox ? IconChecklist : IconHash;
  return (
    <div className="header">
      <span className="header-burger">
        <Burger size="sm" opened={railOpen} onClick={onRail} hiddenFrom="sm" aria-label="Rooms" aria-expanded={railOpen} aria-controls="rail" />
        {unread > 0 && <span className="header-unread" aria-hidden />}
      </span>
      <h1 className="header-title">
        <Icon size={20} aria-hidden />
        <span>{isInbox ? 'Tasks' : room.name}</span>
      </h1>
      <ConnectionBadge state={connection} />
      {!isInbox && (
        <Tooltip label="Leave room">
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Leave ${room.name}`} onClick={() => { store.leave(room.name); }}>
            <IconDoorExit size={20} />
          </ActionIcon>
        </Tooltip>
      )}
      <SchemeToggle />
      <Tooltip label="Settings">
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Settings" onClick={onSettings}>
          <IconSettings size={20} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  const label = dark ? 'Light colours' : 'Dark colours';
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={label} onClick={() => { setColorScheme(dark ? 'light' : 'dark'); }} visibleFrom="xs">
        {dark ? <IconSun size={20} /> : <IconMoon size={20} />}
      </ActionIcon>
    </Tooltip>
  );
}
