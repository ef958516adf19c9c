import { callOnce } from '../../client/unix.ts';
import { exitWords } from '../../domain/exit.ts';
import type { AppSummary } from '../../domain/info.ts';
import { formatSize } from '../../domain/size.ts';
import type { Command } from '../command.ts';
import { isSet } from '../options.ts';
import type { Output } from '../output.ts';
import { table } from '../table.ts';
import { age, stateWord } from '../words.ts';

const HEAD = ['INSTANCE', 'APP', 'STATE', 'PID', 'MEMORY', 'AGE', 'EXIT'];

export const ps: Command = async ({ options, daemon, output }) => {
  const apps = await callOnce(daemon, ['list', { all: isSet(options, 'all') }]);
  if (output.json) output.data(apps);
  else if (apps.length === 0) output.note('nothing runs');
  else output.line(table(HEAD, rowsOf(apps, output)));
  if (!output.json) await noteDevice(daemon, output);
  return 0;
};

/** What concerns all apps, in the words of `runtimectl problems`. */
async function noteDevice(daemon: Parameters<Command>[0]['daemon'], output: Output): Promise<void> {
  const { problems } = await callOnce(daemon, ['getHealth', {}]);
  for (const { appId, state, code, what } of problems) {
    if (appId === null && state === 'fail') output.note(`${code}: ${what} (runtimectl problems)`);
  }
}

function rowsOf(apps: readonly AppSummary[], output: Output): readonly (readonly string[])[] {
  const nowMs = Date.now();
  return apps.map(({ appInstanceId, appId, state, pid, memory, startedAt, exit }) => [
    appInstanceId,
    appId,
    stateWord(state, output),
    pid === null ? '-' : String(pid),
    memory === null ? '-' : formatSize(memory.usageBytes),
    startedAt === null ? '-' : age(startedAt, exit === null ? nowMs : Date.parse(exit.at)),
    exit === null ? '-' : exitWords(exit),
  ]);
}
