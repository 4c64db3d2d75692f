import { Button, CloseButton, Loader } from '@mantine/core';
import { IconAlertTriangle, IconPlugConnectedX } from '@tabler/icons-react';
import type { Snapshot } from '../app/store';

interface Props {
  state: Snapshot;
  onRetry: () => void;
  onSettings: () => void;
  onDismiss: () => void;
}

/** What stands between the user and the chat: no server, no connection, or an error that belongs to nothing shown. */
export function Banner({ state, onRetry, onSettings, onDismiss }: Props) {
  if (state.url === '' || state.urlProblem) {
    return (
      <div className="banner" data-tone="offline" role="alert">
        <IconPlugConnectedX size={18} aria-hidden />
        <span>{state.urlProblem || 'No server is chosen yet.'}</span>
        <Button size="compact-sm" variant="white" color="dark" onClick={onSettings}>Choose a server</Button>
      </div>
    );
  }
  if (state.connection === 'reconnecting' || state.connection === 'offline') {
    const offline = state.connection === 'offline';
    return (
      <div className="banner" data-tone={state.connection} role="alert">
        {offline ? <IconPlugConnectedX size={18} aria-hidden /> : <Loader size={16} color="currentColor" aria-hidden />}
        <span>{offline ? 'You are offline. Trying again from time to time.' : 'The connection was lost. Reconnecting…'}</span>
        <Button size="compact-sm" variant="white" color="dark" onClick={onRetry}>Try now</Button>
      </div>
    );
  }
  if (!state.notice) return null;
  return (
    <div className="banner" data-tone="error" role="alert">
      <IconAlertTriangle size={18} aria-hidden />
      <span>{state.notice}</span>
      <CloseButton size="sm" variant="transparent" aria-label="Dismiss" c="inherit" onClick={onDismiss} />
    </div>
  );
}
