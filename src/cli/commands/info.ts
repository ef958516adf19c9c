import { callOnce } from '../../client/unix.ts';
import { exitWords } from '../../domain/exit.ts';
import type { AppInfo } from '../../domain/info.ts';
import { printable } from '../../domain/printable.ts';
import { formatSize } from '../../domain/size.ts';
import type { Command } from '../command.ts';
import type { Output } from '../output.ts';
import { stateWord } from '../words.ts';

export const info: Command = async ({ operands, daemon, output }) => {
  const app = await callOnce(daemon, ['getInfo', { appInstanceId: operands[0] ?? '' }]);
  if (output.json) output.data(app);
  else for (const [name, text] of linesOf(app, output)) output.line(`${`${name}:`.padEnd(13)} ${text}`);
  return 0;
};

const ID_WORDS: Readonly<Record<AppInfo['idsFrom'], string>> = {
  range: "the app's own",
  caller: 'as the caller of run asked',
  runtimeConfigObject: 'as runtimeConfigObject asks',
};

type Line = readonly [name: string, text: string];

const linesOf = (app: AppInfo, output: Output): readonly Line[] => [
  ['instance', app.appInstanceId],
  ['app', app.appId],
  ['state', stateWord(app.state, output)],
  ...(app.operation === null ? [] : [['under way', app.operation] as const]),
  ['allowed now', app.allowed.join(', ')],
  ...(app.exit === null ? [] : [['exit', `${exitWords(app.exit)} at ${app.exit.at}`] as const]),
  ['created', app.createdAt],
  ['started', app.startedAt ?? '-'],
  [
    'pid',
    `${app.pid ?? '-'}${app.pid !== null && !app.monitored ? ' (its monitor is gone: the exit code will be lost)' : ''}`,
  ],
  ['user', `${app.uid}:${app.gid}, ${ID_WORDS[app.idsFrom]}`],
  ...readingLines(app),
  ...hibernationLines(app.hibernation),
  ...restartLines(app.restart),
  ...app.mounts.map(({ source, destination, readOnly, live }): Line => {
    const words = [...(readOnly ? ['read-only'] : []), ...(live ? ['since it runs'] : [])];
    return ['mount', [`${printable(source)} on ${printable(destination)}`, ...words].join(', ')];
  }),
  ...displayLines(app.display),
  ['network', app.network.mode],
  ['container', app.containerId],
  [
    'storage',
    `${app.storage}${app.storageUse === null ? '' : ` (${of(formatSize(app.storageUse.usedBytes), app.storageUse.limitBytes, formatSize)})`}`,
  ],
  ['log file', app.logFile],
  ...app.notes.map((note): Line => ['note', printable(note)]),
  ...app.warnings.map((warning): Line => ['warning', printable(warning)]),
  ...Object.entries(app.annotations).map(([key, value]): Line => [
    'annotation',
    `${printable(key)} = ${printable(value)}`,
  ]),
];

const readingLines = ({ memory, cpu, pids }: AppInfo): readonly Line[] => [
  ...(memory === null ? [] : [['memory', of(formatSize(memory.usageBytes), memory.limitBytes, formatSize)] as const]),
  ...(cpu === null ? [] : [['CPU time', `${(cpu.usageNs / 1e9).toFixed(2)} s`] as const]),
  ...(pids === null ? [] : [['processes', of(String(pids.current), pids.limit, String)] as const]),
];

const displayLines = (display: AppInfo['display']): readonly Line[] => {
  if (display === null) return [];
  const { displayName, visible, focused, zOrder, width, height } = display;
  const size = width === null || height === null ? [] : [`${width}x${height}`];
  const words = [...size, visible ? 'visible' : 'hidden', ...(focused ? ['focused'] : []), `z-order ${zOrder}`];
  return [['display', [displayName, ...words].join(', ')]];
};

const restartLines = ({ policy, attempts, maxRetries, dueAt }: AppInfo['restart']): readonly Line[] => {
  if (policy === 'never') return [];
  const counted = `attempt ${attempts}${maxRetries === null ? '' : ` of ${maxRetries}`}`;
  const story = [policy, ...(attempts === 0 ? [] : [counted]), ...(dueAt === null ? [] : [`due at ${dueAt}`])];
  return [['restart', story.join(', ')]];
};

type Hibernation = AppInfo['hibernation'];
const ms = (value: number): string => `${value.toFixed(0)} ms`;
const phasesOf = (phases: Readonly<Record<string, number>>): string =>
  Object.entries(phases)
    .map(([name, value]) => `${name} ${ms(value)}`)
    .join(', ');

const hibernationLines = ({ enabled, image, dump, wake, wakes, failureLog }: Hibernation): readonly Line[] => [
  ...(enabled ? [] : [['hibernation', 'disabled for this app'] as const]),
  ...(image === null ? [] : [['image', imageWords(image)] as const]),
  ...(dump === null
    ? []
    : [
        [
          'hibernated',
          `in ${ms(dump.ms)} (${phasesOf(dump.phases)}), gave back ${formatSize(dump.freedBytes)}`,
        ] as const,
      ]),
  ...(wake === null
    ? []
    : [
        [
          'woken',
          `${wakes}×, last in ${ms(wake.ms)} (${phasesOf(wake.phases)}) after ${(wake.sleptMs / 1000).toFixed(1)} s`,
        ] as const,
      ]),
  ...(failureLog === null ? [] : [['CRIU log', `${failureLog} (of the last attempt, which failed)`] as const]),
];

const imageWords = ({ sizeBytes, rawBytes, compressed, durable }: NonNullable<Hibernation['image']>): string =>
  [
    formatSize(sizeBytes),
    ...(compressed ? [`compressed to ${((sizeBytes / rawBytes) * 100).toFixed(0)} % of ${formatSize(rawBytes)}`] : []),
    durable ? 'on the disk: survives a power cut' : 'being flushed: a power cut would lose it',
  ].join(', ');

const of = (value: string, limit: number | null, form: (limit: number) => string): string =>
  limit === null ? value : `${value} of ${form(limit)}`;
