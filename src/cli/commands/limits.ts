import { callOnce } from '../../client/unix.ts';
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

function changeOf(options: Invocation['options']) {
  const value = (name: string, read: (text: string) => number): number | null | undefined => {
    const text = textOf(options, name);
    return text === undefined ? undefined : text === 'none' ? null : read(text);
  };
  const number = (name: string) => (text: string) => {
    if (!/^\d+(\.\d+)?$/.test(text)) throw wrong(`--${name}`, text, 'a number, or none');
    return Number(text);
  };
  const [memoryBytes, cpus, pids] = [
    value('memory', parseSize),
    value('cpus', number('cpus')),
    value('pids', number('pids')),
  ];
  return {
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(cpus !== undefined && { cpus }),
    ...(pids !== undefined && { pids }),
  };
}

const linesOf = ({ memoryBytes, cpus, pids }: Limits): readonly string[] => [
  `memory: ${memoryBytes === null ? 'no limit' : formatSize(memoryBytes)}`,
  `CPU: ${cpus === null ? 'no limit' : `${cpus} cores`}`,
  `processes: ${pids}`,
];
