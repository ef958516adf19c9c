import { callOnce } from '../../client/unix.ts';
import type { MethodInput } from '../../domain/api.ts';
import type { Limits } from '../../domain/limits.ts';
import { formatSize, parseSize } from '../../domain/size.ts';
import type { Command, Invocation } from '../command.ts';
import { textOf, wrong } from '../options.ts';

export const limits: Command = async ({ operands: [appInstanceId = ''], options, daemon, output }) => {
  const change = changeOf(options);
  const found: Limits =
    Object.keys(change).length === 0
      ? (await callOnce(daemon, ['getInfo', { appInstanceId }])).limits
      : await callOnce(daemon, ['setLimits', { appInstanceId, ...change }]);
  if (output.json) output.data(found);
  else for (const line of linesOf(found)) output.line(line);
  return 0;
};

const number = (name: string) => (text: string) => {
  if (!/^\d+(\.\d+)?$/.test(text)) throw wrong(`--${name}`, text, 'a number, or none');
  return Number(text);
};

function changeOf(options: Invocation['options']): Omit<MethodInput<'setLimits'>, 'appInstanceId'> {
  const value = <Value>(name: string, read: (text: string) => Value): Value | null | undefined => {
    const text = textOf(options, name);
    return text === undefined ? undefined : text === 'none' ? null : read(text);
  };
  const change = {
    memoryBytes: value('memory', parseSize),
    cpus: value('cpus', number('cpus')),
    pids: value('pids', number('pids')),
    cpuShares: value('cpuShares', number('cpu-shares')),
    cores: value('cores', String),
    ioWeight: value('ioWeight', number('io-weight')),
  };
  return Object.fromEntries(Object.entries(change).filter(([, one]) => one !== undefined));
}

/** Of the last ones only those that it has. */
const linesOf = ({ memoryBytes, cpus, pids, cpuShares, cores, ioWeight }: Limits): readonly string[] => [
  `memory: ${memoryBytes === null ? 'no limit' : formatSize(memoryBytes)}`,
  `CPU: ${cpus === null ? 'no limit' : `${cpus} cores`}`,
  `processes: ${pids}`,
  ...(cpuShares === null ? [] : [`CPU shares: ${cpuShares}`]),
  ...(cores === null ? [] : [`cores: ${cores}`]),
  ...(ioWeight === null ? [] : [`disk weight: ${ioWeight}`]),
];
