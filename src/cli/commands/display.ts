/** show, hide, focus, zorder, resize: what becomes of an app's display. */
import { callOnce } from '../../client/unix.ts';
import type { Command, Invocation } from '../command.ts';
import { wrong } from '../options.ts';
import { sizeOf } from '../values.ts';

type Call = (
  daemon: Invocation['daemon'],
  appInstanceId: string,
  value: string,
) => Promise<{ readonly already: boolean }>;
type Deed = { readonly call: Call; readonly said: (value: string) => string };

const DEEDS: Readonly<Record<string, Deed>> = {
  show: {
    call: (daemon, appInstanceId) => callOnce(daemon, ['setVisible', { appInstanceId, visible: true }]),
    said: () => 'visible',
  },
  hide: {
    call: (daemon, appInstanceId) => callOnce(daemon, ['setVisible', { appInstanceId, visible: false }]),
    said: () => 'hidden',
  },
  focus: {
    call: (daemon, appInstanceId) => callOnce(daemon, ['setFocus', { appInstanceId }]),
    said: () => 'in front, with the focus',
  },
  zorder: {
    call: (daemon, appInstanceId, text) => callOnce(daemon, ['setZOrder', { appInstanceId, zOrder: numberOf(text) }]),
    said: (text) => `at ${text}`,
  },
  resize: {
    call: (daemon, appInstanceId, text) =>
      callOnce(daemon, ['resizeDisplay', { appInstanceId, ...sizeOf('WxH', text) }]),
    said: (text) => text,
  },
};

export const display: Command = async ({ name, operands: [appInstanceId = '', value = ''], daemon, output }) => {
  const deed = DEEDS[name];
  if (deed === undefined) return 1;
  const { already } = await deed.call(daemon, appInstanceId, value);
  if (output.json) output.data({ appInstanceId, already });
  else output.line(`the display of ${appInstanceId} is ${deed.said(value)}${already ? ' already' : ''}`);
  return 0;
};

function numberOf(text: string): number {
  if (!/^-?\d{1,7}$/.test(text)) throw wrong('n', text, 'a number like 10 or -1');
  return Number(text);
}
