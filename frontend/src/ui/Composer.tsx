import { ActionIcon, Textarea } from '@mantine/core';
import { IconSend2 } from '@tabler/icons-react';
import { useId, useState, type KeyboardEvent } from 'react';
import { suggest } from '../app/commands';
import { inbox, type Room } from '../app/rooms';
import type { ChatStore } from '../app/store';
import type { ConnectionState } from '../realtime';

interface Props {
  store: ChatStore;
  room: Room;
  connection: ConnectionState;
}

const maxLength = 7000; // characters; even at 4 bytes each under the server's 30,000 bytes

/** Where one types. Enter sends, Shift+Enter makes a new line, a slash offers the commands. */
export function Composer({ store, room, connection }: Props) {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState('');
  const [picked, setPicked] = useState(0);
  const [closed, setClosed] = useState(false);
  const listId = useId();
  const offers = closed ? [] : suggest(text);
  const current = Math.min(picked, offers.length - 1);
  const place = room.name === inbox ? 'Tasks' : `#${room.name}`;

  const type = (value: string) => {
    setText(value);
    setProblem('');
    setPicked(0);
    setClosed(false);
  };
  const complete = (name: string) => { type(`/${name} `); };
  const send = () => {
    const wrong = store.submit(text);
    if (wrong) setProblem(wrong);
    else type('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const offer = offers[current];
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      if (offer) complete(offer.name);
      else send();
    } else if (offer && event.key === 'Tab' && !event.shiftKey) {
      event.preventDefault();
      complete(offer.name);
    } else if (offer && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : offers.length - 1;
      setPicked((current + step) % offers.length);
    } else if (event.key === 'Escape') setClosed(true);
  };

  return (
    <form className="composer" aria-label="Write a message" onSubmit={(e) => { e.preventDefault(); send(); }}>
      {offers.length > 0 && (
        <ul className="offers" id={listId} role="listbox" aria-label="Commands">
          {offers.map((c, i) => (
            <li
              key={c.name} id={`${listId}-${c.name}`} role="option" aria-selected={i === current}
              onMouseDown={(e) => { e.preventDefault(); complete(c.name); }}
            >
              <code>{c.usage}</code><span>{c.about}</span>
            </li>
          ))}
        </ul>
      )}
      <Textarea
        aria-label={`Message ${place}`}
        placeholder={room.name === inbox ? 'Text to analyze, or / for a task' : `Message ${place}`}
        value={text} error={problem} maxLength={maxLength} autosize minRows={1} maxRows={8} size="md" autoComplete="off"
        onChange={(e) => { type(e.currentTarget.value); }} onKeyDown={onKeyDown}
        role={offers.length > 0 ? 'combobox' : undefined} aria-expanded={offers.length > 0 ? true : undefined}
        aria-controls={offers.length > 0 ? listId : undefined}
        aria-activedescendant={offers[current] ? `${listId}-${offers[current].name}` : undefined}
        rightSectionWidth={46}
        rightSection={
          <ActionIcon type="submit" size={34} variant={text.trim() ? 'filled' : 'subtle'} color={text.trim() ? 'iris' : 'gray'} aria-label="Send" disabled={!text.trim()}>
            <IconSend2 size={19} />
          </ActionIcon>
        }
      />
      {connection !== 'online' && text && <p className="composer-hint">Without a connection it is kept here with a Retry button.</p>}
    </form>
  );
}
