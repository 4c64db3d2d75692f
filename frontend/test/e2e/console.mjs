// The console of the local runtime in a real browser: every view, wide and narrow, shows what happens, and nothing
// overflows. CONSOLE_URL and PAGE_URL: the runtime. CHROMIUM: the browser. SCREENSHOTS: a folder for pictures.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const { CHROMIUM = '/usr/bin/chromium', SCREENSHOTS, CONSOLE_URL, PAGE_URL } = process.env;
const views = ['map', 'invocations', 'connections', 'queues', 'tables', 'chaos'];

let browser;

before(async () => {
  if (SCREENSHOTS) await mkdir(SCREENSHOTS, { recursive: true });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
});

after(() => browser?.close());

async function open(options) {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(15_000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  return { page, faults };
}

const skip = !CONSOLE_URL && 'no CONSOLE_URL';

test('the console shows a guest, lets one post to them, and closes them', { skip }, async () => {
  const guest = await browser.newPage();
  await guest.goto(PAGE_URL);
  await guest.getByRole('status', { name: 'Connection: Online' }).waitFor();
  const { page, faults } = await open({ viewport: { width: 1400, height: 900 } });
  await page.goto(`${CONSOLE_URL}#map`);
  await page.locator('.map .node.route').filter({ hasText: '$connect' }).waitFor();
  assert.notEqual(await page.locator('.map .count').count(), 0, 'no arrow has a count');

  await page.getByRole('button', { name: 'Invocations' }).click();
  const row = page.getByRole('row').filter({ hasText: '$connect' }).first();
  await row.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Invocation' }).getByText('"eventType": "CONNECT"').waitFor();
  await page.getByRole('searchbox').fill('no such text anywhere');
  await page.getByText('Nothing matches the filter.').waitFor();

  await page.getByRole('button', { name: 'Connections' }).click();
  await page.getByRole('button', { name: 'Post' }).first().click();
  await page.getByText(/^Posted to /).waitFor();
  await page.locator('main table a').first().click();
  await page.getByRole('region', { name: 'Connection' }).locator('mark').first().waitFor();
  await page.getByRole('button', { name: 'Close' }).first().click();
  await page.getByText(/^Closed /).waitFor();
  assert.deepEqual(faults, []);
  await page.close();
  await guest.close();
});

test('what functions and clients say is text, and nothing else', { skip }, async () => {
  const { page, faults } = await open({ userAgent: '<img src=x onerror="document.title=\'taken\'">' });
  await page.goto(PAGE_URL);
  await page.getByRole('status', { name: 'Connection: Online' }).waitFor();
  const { page: console } = await open({ viewport: { width: 1400, height: 900 } });
  await console.goto(`${CONSOLE_URL}#connections`);
  await console.getByText('<img src=x onerror=').first().waitFor();
  assert.equal(await console.locator('img').count(), 0);
  assert.notEqual(await console.title(), 'taken');
  assert.deepEqual(faults, []);
  await console.close();
  await page.close();
});

test('another page cannot drive the console', { skip }, async () => {
  const { page } = await open();
  await page.goto(PAGE_URL);
  const refused = await page.evaluate((url) => fetch(url, { method: 'PUT', body: '{"rate":1}', headers: { 'X-Console': '1' } }).then(() => false, () => true), `${CONSOLE_URL}api/chaos/kill`);
  assert.equal(refused, true);
  await page.close();
});

const wide = { width: 1400, height: 900 };
const narrow = { width: 390, height: 844 };
for (const [name, options] of Object.entries({
  'wide-light': { viewport: wide, colorScheme: 'light' }, 'wide-dark': { viewport: wide, colorScheme: 'dark' },
  'narrow-light': { viewport: narrow, colorScheme: 'light' }, 'narrow-dark': { viewport: narrow, colorScheme: 'dark' },
})) {
  test(`every view fits: ${name}`, { skip }, async () => {
    const { page, faults } = await open(options);
    for (const view of views) {
      await page.goto(`${CONSOLE_URL}#${view}`);
      await page.locator('main').waitFor();
      await page.locator('nav button[aria-current=page]').filter({ hasText: new RegExp(view, 'i') }).waitFor();
      await page.locator('.panel, .empty').first().waitFor();
      if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `console-${view}-${name}.png`) });
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth), false, `${view} overflows`);
    }
    assert.deepEqual(faults, []);
    await page.close();
  });
}
