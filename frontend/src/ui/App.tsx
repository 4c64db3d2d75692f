import { AppShell } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { inbox } from '../app/rooms';
import type { ChatStore } from '../app/store';
import { Banner } from './Banner';
import { Composer } from './Composer';
import { Header } from './Header';
import { MessageList } from './MessageList';
import { Rail } from './Rail';
import { SettingsDialog } from './SettingsDialog';

/** The whole page: rooms on the left, the shown room on the right. */
export function App({ store }: { store: ChatStore }) {
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot);
  const [railOpen, rail] = useDisclosure(false);
  const [settingsOpen, setSettingsOpen] = useState(state.url === '' || state.urlProblem !== '');
  const room = state.rooms.find((r) => r.name === state.active);
  const unread = state.rooms.reduce((sum, r) => sum + r.unread, 0);

  useEffect(() => {
    const place = state.active === inbox ? 'Tasks' : `#${state.active}`;
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${place} · disclone`;
  }, [state.active, unread]);

  if (!room) return null;
  return (
    <AppShell
      navbar={{ width: 264, breakpoint: 'sm', collapsed: { mobile: !railOpen } }}
      header={{ height: 56 }}
      layout="alt"
      padding={0}
    >
      <AppShell.Navbar className="rail" aria-label="Rooms" id="rail">
        <Rail store={store} state={state} onPick={rail.close} onClose={rail.close} onSettings={() => { setSettingsOpen(true); }} />
      </AppShell.Navbar>
      <AppShell.Header className="top">
        <Header
          store={store} room={room} connection={state.connection} unread={unread} railOpen={railOpen}
          onRail={rail.toggle} onSettings={() => { setSettingsOpen(true); }}
        />
      </AppShell.Header>
      <AppShell.Main className="main">
        <Banner state={state} onRetry={() => { store.reconnect(); }} onSettings={() => { setSettingsOpen(true); }} onDismiss={() => { store.dismissNotice(); }} />
        <MessageList key={room.name} store={store} room={room} connection={state.connection} />
        <Composer key={`composer ${room.name}`} store={store} room={room} connection={state.connection} />
      </AppShell.Main>
      <SettingsDialog store={store} state={state} opened={settingsOpen} onClose={() => { setSettingsOpen(false); }} />
    </AppShell>
  );
}
