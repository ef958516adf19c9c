/** Commands that lead to the daemon's pages for browsers. */
import { INSTANCE, type CommandRow, type OptionRow } from './command.ts';

const WITH_TOKEN: OptionRow = {
  flags: '--with-token',
  doc: 'with the token in it, which lets in whoever has the address',
};

export const PAGE_COMMANDS: readonly CommandRow[] = [
  {
    name: 'dashboard',
    doc: "the address of the daemon's dashboard, for a browser, and how to log in there",
    options: [WITH_TOKEN],
    example: 'runtimectl dashboard --with-token',
    load: async () => (await import('./commands/dashboard.ts')).dashboard,
  },
  {
    name: 'view',
    doc: "the address of a page that shows an app's display live, for a browser",
    operands: '<id>',
    words: [INSTANCE],
    options: [WITH_TOKEN],
    example: 'runtimectl view clock-1',
    load: async () => (await import('./commands/view.ts')).view,
  },
];
