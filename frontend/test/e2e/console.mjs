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

test('the console shows a guest, lets one post to them, and closes them', { skip: !CONSOLE_URL && 'no CONSOLE_URL' }, async () => {
  const guest = await browser.newPage();
  await guest.goto(PAGE_URL);
  await guest.getByRole('status', { name: 'Connection: Online' }).waitFor();
  const { page, faults } = await open({ viewport: { width: 1400, height: 900 } });
  await page.goto(`${CONSOLE_URL}#connections`);
  await page.getByRole('button', { name: 'Post' }).first().click();
  await page.getByText(/^Posted to /).waitFor();
  await page.getByRole('button', { name: 'Invocations' }).click();
  await page.getByRole('row').filter({ hasText: '$connect' }).first().click();
  await page.getByRole('region', { name: 'Invocation' }).getByText('"eventType": "CONNECT"').waitFor();
  assert.deepEqual(faults, []);
  await page.close();
  await guest.close();
});

for (const [name, options] of Object.entries({
  'wide-light': { viewport: { width: 1400, height: 900 }, colorScheme: 'light' },
  'narrow-dark': { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
})) {
  test(`every view fits: ${name}`, { skip: !CONSOLE_URL && 'no CONSOLE_URL' }, async () => {
    const { page, faults } = await open(options);
    for (const view of views) {
      await page.goto(`${CONSOLE_URL}#${view}`);
      await page.locator('main').waitFor();
      await page.locator(`nav button[aria-current=page]`).filter({ hasText: new RegExp(view, 'i') }).waitFor();
      if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `console-${view}-${name}.png`) });
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth), false, `${view} overflows`);
    }
    assert.deepEqual(faults, []);
    await page.close();
  });
}
