import type { ConnectionState } from '../realtime';

const labels: Record<ConnectionState, string> = {
  connecting: 'Connecting',
  online: 'Online',
  reconnecting: 'Reconnecting',
  offline: 'Offline',
};

/** The connection's state, as a dot and a word; screen readers hear it change. */
export function ConnectionBadge({ state }: { state: ConnectionState }) {
  return (
    <span className="badge" data-state={state} role="status" aria-label={`Connection: ${labels[state]}`} title={labels[state]}>
      <span className="badge-dot" aria-hidden />
      <span className="badge-text">{labels[state]}</span>
    </span>
  );
}
