/** Commands for what becomes of an app's display. */
import { ANY, type CommandRow, type Words } from './command.ts';

/** Whose display can be changed. */
const ON_DISPLAY: Words = { kind: 'instance', states: ['RUNNING', 'SUSPENDED'] };

type DisplayCommand = Pick<CommandRow, 'name' | 'doc' | 'example'> & { readonly value?: string };

const onDisplay = ({ value, ...row }: DisplayCommand): CommandRow => ({
  ...row,
  operands: value === undefined ? '<id>' : `<id> <${value}>`,
  words: [ON_DISPLAY, ANY].slice(0, value === undefined ? 1 : 2),
  options: [],
  load: async () => (await import('./commands/display.ts')).display,
});

export const DISPLAY_COMMANDS: readonly CommandRow[] = [
  onDisplay({ name: 'show', doc: "show an app's display that was hidden", example: 'runtimectl show clock-1' }),
  onDisplay({
    name: 'hide',
    doc: "hide an app's display: it draws nothing and gets no input until it is shown",
    example: 'runtimectl hide clock-1',
  }),
  onDisplay({ name: 'focus', doc: "give an app's display the focus", example: 'runtimectl focus clock-1' }),
  onDisplay({
    name: 'zorder',
    doc: "move an app's display in front of those with a lower number, behind those with a higher one; 0 at first",
    value: 'n',
    example: 'runtimectl zorder clock-1 10',
  }),
  onDisplay({
    name: 'resize',
    doc: "give an app's display another size; its windows follow",
    value: 'WxH',
    example: 'runtimectl resize clock-1 1920x1080',
  }),
];
