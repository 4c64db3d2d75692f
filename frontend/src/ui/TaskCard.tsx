import { Button, Loader, Progress } from '@mantine/core';
import { IconAlertCircle, IconBan, IconCheck, IconClock, IconPlugConnectedX } from '@tabler/icons-react';
import { underWay, type TaskEntry, type TaskState } from '../app/rooms';
import type { ChatStore } from '../app/store';
import type { Json } from '../realtime';
import { JsonText } from './JsonText';

const labels: Record<TaskState, string> = {
  sending: 'Sending', unsent: 'Not started', queued: 'Accepted', pending: 'Accepted', started: 'Running', progress: 'Running', retry: 'Trying again',
  success: 'Done', failure: 'Failed', revoked: 'Cancelled', lost: 'Asking for the result',
};

const number = (value: Json | undefined, field: string) => {
  const found = typeof value === 'object' && value !== null && !Array.isArray(value) ? value[field] : undefined;
  return typeof found === 'number' ? found : undefined;
};

/** How far a task is, in percent, if its progress says so: {done, total}, or {left} of {seconds}. */
function percentOf(task: TaskEntry): number | undefined {
  const left = number(task.progress, 'left');
  const seconds = number(task.input, 'seconds');
  if (left !== undefined && seconds) return 100 * (1 - left / seconds);
  const done = number(task.progress, 'done');
  const total = number(task.progress, 'total');
  return done !== undefined && total ? (100 * done) / total : undefined;
}

/** A background task: what was asked, how far it is, and its result when the server pushes it. */
export function TaskCard({ store, room, task }: { store: ChatStore; room: string; task: TaskEntry }) {
  const again = task.mine && task.input !== undefined && ['unsent', 'failure', 'revoked'].includes(task.state);
  return (
    <section className="task" data-state={task.state} aria-label={`Task ${task.task}: ${labels[task.state]}`}>
      <div className="task-head">
        <code className="task-name">{task.task}</code>
        {task.input !== undefined && <span className="task-input"><JsonText value={task.input} /></span>}
        <span className="task-state"><StateIcon state={task.state} />{labels[task.state]}</span>
      </div>
      {task.state === 'queued' && task.ack && <p className="task-note">{task.ack} The result will come by itself.</p>}
      {task.state === 'progress' && <TaskProgress task={task} />}
      {task.state === 'success' && task.result !== undefined && (
        <div className="task-result" role="status" aria-label={`Result of ${task.task}`}><JsonText value={task.result} /></div>
      )}
      {task.state === 'lost' && <p className="task-note">The connection was lost before the result came. The page asks for it.</p>}
      {task.problem && <p className="task-problem" role="alert">{task.problem}</p>}
      {task.mine && underWay(task) && task.taskId !== undefined && (
        <div className="task-actions">
          <Button size="compact-xs" variant="subtle" color="gray" onClick={() => { store.cancel(room, task); }}>Cancel</Button>
        </div>
      )}
      {again && (
        <div className="task-actions">
          <Button size="compact-xs" variant="light" onClick={() => { store.retry(room, task); }}>{task.state === 'unsent' ? 'Retry' : 'Run again'}</Button>
          <Button size="compact-xs" variant="subtle" color="gray" onClick={() => { store.discard(room, task.key); }}>Discard</Button>
        </div>
      )}
    </section>
  );
}

function TaskProgress({ task }: { task: TaskEntry }) {
  const percent = percentOf(task);
  return (
    <div className="task-progress">
      <Progress.Root size="md" transitionDuration={300}>
        <Progress.Section
          value={percent ?? 100} striped={percent === undefined} animated={percent === undefined}
          aria-label={`Progress of ${task.task}`}
        />
      </Progress.Root>
      {task.progress !== undefined && <span className="task-note"><JsonText value={task.progress} /></span>}
    </div>
  );
}

function StateIcon({ state }: { state: TaskState }) {
  switch (state) {
    case 'success':
      return <IconCheck size={16} aria-hidden />;
    case 'failure':
    case 'unsent':
      return <IconAlertCircle size={16} aria-hidden />;
    case 'revoked':
      return <IconBan size={16} aria-hidden />;
    case 'lost':
      return <IconPlugConnectedX size={16} aria-hidden />;
    case 'queued':
      return <IconClock size={16} aria-hidden />;
    default:
      return <Loader size={14} color="currentColor" aria-hidden />;
  }
}
