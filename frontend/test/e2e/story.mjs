// The README's story in a real browser: two people in one room chat, one starts a task, and its result arrives by itself.
// PAGE_URL: the page (without it, the fake server with dist/). CHROMIUM: the browser. SCREENSHOTS: a folder for pictures.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { startFakeServer } from '../fake-server.mjs';

const { CHROMIUM = '/usr/bin/chromium', SCREENSHOTS, PAGE_URL } = process.env;
const wide = { width: 1280, height: 800 };
const narrow = { width: 390, height: 844 };
const room = `story-${Date.now().toString(36)}`;

let browser;
let fake;
let pageUrl = PAGE_URL;

before(async () => {
  if (!pageUrl) {
    fake = await startFakeServer();
    pageUrl = fake.page;
  }
  if (SCREENSHOTS) await mkdir(SCREENSHOTS, { recursive: true });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
});

after(async () => {
  await browser?.close();
  await fake?.close();
});

/** One person: a browser profile of their own, on the page, online, with a name. What goes wrong in the page fails the test. */
async function person(name, options = {}) {
  const context = await browser.newContext({ viewport: wide, colorScheme: 'light', ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.addInitScript((n) => sessionStorage.setItem('disclone.name', n), name);
  await page.goto(pageUrl);
  await page.getByRole('status', { name: 'Connection: Online' }).waitFor();
  return { name, page, context, faults, leave: () => context.close() };
}

const onPhone = (page) => page.viewportSize().width < 768;

async function joinRoom(page, name) {
  if (onPhone(page)) await page.getByRole('button', { name: 'Rooms', exact: true }).click();
  await page.getByRole('textbox', { name: 'Room name' }).fill(name);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByRole('heading', { name: `Welcome to #${name}` }).waitFor();
}

async function write(page, name, text) {
  await page.getByLabel(`Message #${name}`).fill(text);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

const log = (page, name) => page.getByRole('log', { name: `Messages in ${name}` });
const sees = (page, name, text) => log(page, name).getByText(text, { exact: true }).waitFor();
const settled = (page) => page.locator('.text[data-status="sending"]').waitFor({ state: 'detached' });

async function picture(page, name) {
  if (!SCREENSHOTS) return;
  await page.waitForTimeout(350); // Mantine's transitions, for the eye only
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

test('two people chat, and a task answers by itself', async () => {
  const ann = await person('Ann Archer');
  const bob = await person('Bob', { viewport: narrow, colorScheme: 'dark' });
  await joinRoom(ann.page, room);
  await joinRoom(bob.page, room);
  await picture(ann.page, 'empty-wide-light');
  await picture(bob.page, 'empty-narrow-dark');

  await write(ann.page, room, 'Hello Bob, can you read this?');
  await sees(bob.page, room, 'Hello Bob, can you read this?');
  await write(bob.page, room, 'Every word of it.');
  await sees(ann.page, room, 'Every word of it.');
  await settled(ann.page);
  assert.equal(await log(ann.page, room).getByText('Hello Bob, can you read this?', { exact: true }).count(), 1, 'one\'s own message is shown once');

  await write(ann.page, room, '/add 2 3');
  for (const { page } of [ann, bob]) {
    const result = log(page, room).getByRole('status', { name: 'Result of add' });
    await result.waitFor();
    assert.equal(await result.textContent(), '5');
  }
  await write(bob.page, room, '/countdown 2');
  await log(ann.page, room).getByRole('region', { name: 'Task countdown: Running' }).waitFor();
  await picture(ann.page, 'chat-wide-light');
  await picture(bob.page, 'chat-narrow-dark');
  await log(ann.page, room).getByRole('status', { name: 'Result of countdown' }).getByText('liftoff').waitFor();

  await ann.page.emulateMedia({ colorScheme: 'dark' });
  await picture(ann.page, 'chat-wide-dark');
  await bob.page.emulateMedia({ colorScheme: 'light' });
  await picture(bob.page, 'chat-narrow-light');
  await bob.page.getByRole('button', { name: 'Rooms', exact: true }).click();
  await picture(bob.page, 'rooms-narrow-light');
  for (const { faults, leave } of [ann, bob]) {
    assert.deepEqual(faults, []);
    await leave();
  }
});

test('a message without a room starts the default task: ack at once, result pushed', async () => {
  const { page, faults, leave } = await person('Cleo');
  await page.getByRole('button', { name: 'Tasks', exact: true }).click();
  await page.getByLabel('Message Tasks').fill('hello');
  await page.getByLabel('Message Tasks').press('Enter');
  const task = page.getByRole('region', { name: 'Task analyze: Done' });
  await task.waitFor();
  assert.match(await task.textContent(), /characters\s*5/);
  await picture(page, 'tasks-wide-light');
  assert.deepEqual(faults, []);
  await leave();
});

test('a task is cancelled from the page, and one whose connection was lost still shows its result', async () => {
  const { page, context, faults, leave } = await person('Finn');
  await page.getByRole('button', { name: 'Tasks', exact: true }).click();
  const start = async (text) => {
    await page.getByLabel('Message Tasks').fill(text);
    await page.getByLabel('Message Tasks').press('Enter');
    await page.getByRole('region', { name: 'Task countdown: Running' }).waitFor();
  };
  await start('/countdown 20');
  await picture(page, 'task-running-wide-light');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('region', { name: 'Task countdown: Cancelled' }).waitFor();
  await picture(page, 'task-cancelled-wide-light');
  await start('/countdown 3');
  await context.setOffline(true);
  await page.getByRole('region', { name: 'Task countdown: Asking for the result' }).waitFor();
  await context.setOffline(false);
  await page.getByRole('status', { name: 'Result of countdown' }).getByText('liftoff').waitFor();
  assert.deepEqual(faults, []);
  await leave();
});

test('after a reload the tasks of a room are there as they were', async () => {
  const { page, faults, leave } = await person('Gina');
  const name = `${room}-3`;
  await joinRoom(page, name);
  await write(page, name, '/add 20 22');
  await log(page, name).getByRole('status', { name: 'Result of add' }).waitFor();
  await page.reload();
  await page.getByRole('region', { name: 'Task add: Done' }).waitFor();
  assert.equal(await log(page, name).getByRole('status', { name: 'Result of add' }).textContent(), '42');
  assert.equal(await log(page, name).getByRole('region').count(), 1, 'the input and the result are one card');
  assert.deepEqual(faults, []);
  await leave();
});

test('without the network the page says so, keeps what is written, and comes back', async () => {
  const { page, context, faults, leave } = await person('Dora');
  const name = `${room}-2`;
  await joinRoom(page, name);
  await write(page, name, 'before');
  await sees(page, name, 'before');
  await settled(page);
  await context.setOffline(true);
  await page.getByRole('status', { name: 'Connection: Offline' }).waitFor();
  await write(page, name, 'after');
  await page.getByText('Not sent.').waitFor();
  await picture(page, 'offline-wide-light');
  await page.setViewportSize(narrow);
  await page.emulateMedia({ colorScheme: 'dark' });
  await picture(page, 'offline-narrow-dark');
  await context.setOffline(false);
  await page.getByRole('status', { name: 'Connection: Online' }).waitFor();
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByText('Not sent.').waitFor({ state: 'detached' });
  await settled(page);
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.getByRole('dialog', { name: 'Settings' }).waitFor();
  await picture(page, 'settings-narrow-dark');
  assert.deepEqual(faults, []);
  await leave();
});

test('a page that knows no server asks for one', async () => {
  const context = await browser.newContext({ viewport: wide });
  const page = await context.newPage();
  await page.route('**/outputs.json', (route) => route.fulfill({ status: 404, body: 'none' }));
  await page.goto(pageUrl);
  const dialog = page.getByRole('dialog', { name: 'Settings' });
  await dialog.getByLabel('WebSocket URL').fill('http://example.com');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('The URL must start with wss:// or ws://.').waitFor();
  await picture(page, 'settings-wide-light');
  await context.close();
});
