import { MantineProvider } from '@mantine/core';
import '@mantine/core/styles.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ChatStore } from './app/store';
import { findUrl } from './app/url';
import './styles.css';
import { theme } from './theme';
import { App } from './ui/App';

const store = new ChatStore({ local: localStorage, session: sessionStorage });
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');

void findUrl().then((url) => {
  if (url) store.open(url);
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto">
        <App store={store} />
      </MantineProvider>
    </StrictMode>,
  );
});
