/** A directory of host tools whose `runc` can be told to hang or to fail, for one container and one of its commands. */
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOOLS } from './daemon.ts';
import { until } from './until.ts';

export type RuncCommand = 'create' | 'start' | 'delete' | 'exec';

export type TroubledTools = AsyncDisposable & {
  readonly directory: string;
  /** The command does not come back until {@link release}. */
  readonly hang: (command: RuncCommand, id: string) => Promise<void>;
  readonly release: (command: RuncCommand, id: string) => Promise<void>;
  /** The command ends with exit code 1 and these words. */
  readonly fail: (command: RuncCommand, id: string, words: string) => Promise<void>;
  /** Returns when the command hangs. */
  readonly hangs: (command: RuncCommand, id: string) => Promise<true>;
};

/** In perl, so that the arguments stay visible in /proc while it hangs, as those of a hung runc would. */
const wrapper = (directory: string): string => `#!/usr/bin/perl
my ($command) = grep { /^(create|start|delete|exec)$/ } @ARGV;
my $order = "${directory}/orders/$command.$ARGV[-1]";
if ($command && -e "$order.hang") {
  open(my $reached, ">", "$order.reached") and close($reached);
  select(undef, undef, undef, 0.01) while -e "$order.hang";
}
if ($command && open(my $words, "<", "$order.fail")) { print STDERR <$words>; exit 1 }
exec { "${TOOLS}/runc" } "${TOOLS}/runc", @ARGV;
`;

export async function troubledTools(): Promise<TroubledTools> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'rmt-tools-'));
  const order = (command: RuncCommand, id: string, what: string): string =>
    join(directory, 'orders', `${command}.${id}.${what}`);
  await Promise.all(['conmon', 'tini-static'].map((tool) => symlink(join(TOOLS, tool), join(directory, tool))));
  await writeFile(join(directory, 'runc'), wrapper(directory));
  await chmod(join(directory, 'runc'), 0o755);
  await mkdir(join(directory, 'orders'));
  return {
    directory,
    hang: (command, id) => writeFile(order(command, id, 'hang'), ''),
    release: (command, id) => rm(order(command, id, 'hang'), { force: true }),
    fail: (command, id, words) => writeFile(order(command, id, 'fail'), words),
    hangs: (command, id) =>
      until(() => existsSync(order(command, id, 'reached')), { what: `runc ${command} ${id} hangs` }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

/** The project's tools, with others in place of some; undefined: it is not there. */
export async function toolsWith(
  changed: Readonly<Record<string, string | undefined>>,
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(await realpath(tmpdir()), 'rmt-tools-'));
  for (const name of readdirSync(TOOLS)) {
    if (!Object.hasOwn(changed, name)) await symlink(join(TOOLS, name), join(path, name));
  }
  for (const [name, text] of Object.entries(changed)) {
    if (text === undefined) continue;
    await writeFile(join(path, name), text);
    await chmod(join(path, name), 0o755);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** A runc whose command fails, after the shell commands in the file `<command>.<container>` of the directory, while that is there. */
export const runcWithOrders = (directory: string): string => `#!/bin/sh
for last; do :; done
for word; do
  order="${directory}/$word.$last"
  if [ -e "$order" ]; then . "$order"; echo "no such luck" >&2; exit 1; fi
done
exec "${TOOLS}/runc" "$@"
`;
