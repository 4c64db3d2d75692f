import { Button, Group, Modal, SegmentedControl, Stack, Text, TextInput, useMantineColorScheme } from '@mantine/core';
import { useState, type SyntheticEvent } from 'react';
import type { ChatStore, Snapshot } from '../app/store';
import { deployedUrl, saveUrl } from '../app/url';
import { checkUrl } from '../realtime';

interface Props {
  store: ChatStore;
  state: Snapshot;
  opened: boolean;
  onClose: () => void;
}

/** Name, server and colours. It opens by itself if the page does not know its server. */
export function SettingsDialog({ store, state, opened, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="Settings" centered closeButtonProps={{ 'aria-label': 'Close the settings' }}>
      <SettingsForm store={store} state={state} onDone={onClose} />
    </Modal>
  );
}

function SettingsForm({ store, state, onDone }: { store: ChatStore; state: Snapshot; onDone: () => void }) {
  const [name, setName] = useState(state.name);
  const [url, setUrl] = useState(state.url);
  const [problems, setProblems] = useState({ name: '', url: state.urlProblem });
  const { colorScheme, setColorScheme } = useMantineColorScheme();

  const save = (event: SyntheticEvent) => {
    event.preventDefault();
    const wrong = { name: name.trim() ? '' : 'Type a name.', url: urlProblem(url) };
    setProblems(wrong);
    if (wrong.name || wrong.url) return;
    if (name.trim() !== state.name) store.setName(name.trim());
    if (url.trim() !== state.url || state.urlProblem) {
      saveUrl(url.trim());
      store.open(url.trim());
    }
    onDone();
  };
  const reset = async () => {
    saveUrl(undefined);
    const found = await deployedUrl();
    if (found) setUrl(found);
    setProblems({ ...problems, url: found ? '' : 'This page was deployed without an address of its own.' });
  };
  return (
    <form onSubmit={save} aria-label="Settings" noValidate>
      <Stack>
        <TextInput
          label="Display name" description="What others see beside your messages." value={name} error={problems.name} maxLength={64}
          autoComplete="nickname" onChange={(e) => { setName(e.currentTarget.value); }} data-autofocus={state.url ? true : undefined}
        />
        <TextInput
          label="WebSocket URL" description="The server, as sam deploy or make local prints it." placeholder="wss://…" type="url" inputMode="url"
          value={url} error={problems.url} spellCheck={false} autoComplete="off" data-autofocus={state.url ? undefined : true}
          onChange={(e) => { setUrl(e.currentTarget.value); }}
        />
        <Text size="sm" c="dimmed">
          It is remembered in this browser.{' '}
          <button type="button" className="link" onClick={() => void reset()}>Use this page’s own server</button>
        </Text>
        <div>
          <Text size="sm" fw={600} mb={4} id="colours">Colours</Text>
          <SegmentedControl
            fullWidth aria-labelledby="colours" value={colorScheme} onChange={(value) => { setColorScheme(value); }}
            data={[{ value: 'auto', label: 'System' }, { value: 'light', label: 'Light' }, { value: 'dark', label: 'Dark' }]}
          />
        </div>
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>Cancel</Button>
          <Button type="submit">Save</Button>
        </Group>
      </Stack>
    </form>
  );
}

function urlProblem(url: string): string {
  try {
    checkUrl(url);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : 'This is not a URL.';
  }
}
