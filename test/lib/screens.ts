/** Apps that draw, and what tests ask about their displays. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Client, MethodInput } from '../../src/client/node.ts';
import { hostApp, perl, uniqueId } from './apps.ts';
import { commandLine, processesOfUser } from './machine.ts';
import { readPng, type Picture } from './png.ts';
import { until } from './until.ts';

const CLIENT = readFileSync(new URL('wayland-client.pl', import.meta.url), 'utf8');
const POINTER = readFileSync(new URL('wayland-pointer.pl', import.meta.url), 'utf8');

export const SIZE = { width: 320, height: 200 };

/** Command lines for programs in perl-base. */
export const drawing = (...args: readonly string[]): readonly string[] => [...perl(CLIENT), ...args];
export const pointing = (...args: readonly string[]): readonly string[] => [...perl(POINTER), ...args];

type Extra = Parameters<typeof hostApp>[2];

/** Runs an app with one window in this colour (rrggbb). Its instance id. */
export async function runDrawing(client: Client, colour: string, extra: Extra = {}): Promise<string> {
  const order: MethodInput<'run'> = hostApp(uniqueId('draw'), drawing(colour), { display: SIZE, ...extra });
  return (await client.run(order)).appInstanceId;
}

export async function pictureOf(client: Client, appInstanceId: string): Promise<Picture> {
  return readPng(Buffer.from((await client.getScreenshot({ appInstanceId })).png, 'base64'));
}

/** In the middle. */
export async function colourOf(client: Client, appInstanceId: string): Promise<string> {
  const { width, height, pixel } = await pictureOf(client, appInstanceId);
  return pixel(width >> 1, height >> 1);
}

export const untilColour = (client: Client, appInstanceId: string, colour: string): Promise<true> =>
  until(async () => (await colourOf(client, appInstanceId)) === colour, { what: `${appInstanceId} shows ${colour}` });

/** Its process on the host, wherever it runs. */
export async function compositorOf(client: Client, appInstanceId: string): Promise<number> {
  const { uid } = await client.getInfo({ appInstanceId });
  const sway = processesOfUser(uid).find((pid) => commandLine(pid).some((word) => word.endsWith('/bin/sway')));
  assert(sway !== undefined);
  return sway;
}
