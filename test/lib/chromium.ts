/** A real Chromium that a test leads: playwright-core on Debian's headless shell, which `npm test` unpacks into .tools.browser. */
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { provideBrowserTree } from '../../scripts/setup/browser-tree.mjs';
import { FLAGS, libraries, TREE } from './browser.ts';

export type Chromium = AsyncDisposable & { readonly browser: Browser };

/** Closed, with all its pages, at the end of the scope. */
export async function startChromium(): Promise<Chromium> {
  await provideBrowserTree(TREE);
  const browser = await chromium.launch({
    executablePath: join(TREE, 'usr/lib/chromium/chromium-headless-shell'),
    args: FLAGS,
    env: { ...process.env, LD_LIBRARY_PATH: libraries() },
  });
  return { browser, [Symbol.asyncDispose]: () => browser.close() };
}
