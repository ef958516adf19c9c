/** Every command as a row: help, completion and manual pages come from here. */
import type { CommandRow, OptionRow, Words } from './command.ts';
import { DISPLAY_COMMANDS } from './display-commands.ts';
import { PAGE_COMMANDS } from './page-commands.ts';
import { RUN_OPTIONS } from './run-options.ts';

const ANY: Words = { kind: 'any' };
const FILE: Words = { kind: 'file' };
const DIRECTORY: Words = { kind: 'directory' };
const INSTANCE: Words = { kind: 'instance' };

/** Understood before and after the command. */
export const GLOBAL_OPTIONS: readonly OptionRow[] = [
  { flags: '--root <dir>', doc: "the daemon's --root (also RUNTIME_MANAGER_ROOT)", words: DIRECTORY },
  { flags: '--socket <path>', doc: "the daemon's unix socket, when it lies elsewhere", words: FILE },
  {
    flags: '--address <url>',
    doc: 'ws://HOST:PORT, wss://HOST:PORT or unix:PATH (also RUNTIME_MANAGER_ADDRESS)',
    words: ANY,
  },
  { flags: '--token-file <file>', doc: 'by TCP: file with the token (also RUNTIME_MANAGER_TOKEN_FILE)', words: FILE },
  { flags: '--ca-file <file>', doc: 'by wss: PEM file of the certificate to trust', words: FILE },
  { flags: '--json', doc: 'data as JSON on stdout, errors as JSON on stderr' },
];

type OperationName = 'suspend' | 'resume' | 'hibernate' | 'wake' | 'terminate' | 'kill';

const operation = (name: OperationName, doc: string, options: readonly OptionRow[] = []): CommandRow => ({
  name,
  doc,
  operands: '<ids...>',
  words: [{ kind: 'instance', operation: name }],
  options,
  example: `runtimectl ${name} clock-1`,
  load: async () => (await import('./commands/operate.ts')).operate,
});

export const COMMANDS: readonly CommandRow[] = [
  {
    name: 'run',
    doc: "start an app in a container of its own; prints the instance's id",
    operands: '<appId> [command...]',
    words: [ANY, ANY],
    options: RUN_OPTIONS,
    example:
      'runtimectl run clock --host-rootfs --memory 64M --env TZ=UTC -- /bin/sh -c "while :; do date; sleep 1; done"',
    load: async () => (await import('./commands/run.ts')).run,
  },
  {
    name: 'ps',
    aliases: ['list'],
    doc: 'list the instances that live',
    options: [{ flags: '-a, --all', doc: 'the ended ones that are still known too' }],
    example: 'runtimectl ps --json',
    load: async () => (await import('./commands/ps.ts')).ps,
  },
  {
    name: 'info',
    doc: 'everything known about one instance',
    operands: '<id>',
    words: [INSTANCE],
    options: [],
    example: 'runtimectl info clock-1',
    load: async () => (await import('./commands/info.ts')).info,
  },
  operation('suspend', 'freeze every process of instances at once'),
  operation('resume', 'let suspended instances go on'),
  operation('hibernate', 'write instances to disk and take them out of memory'),
  operation('wake', 'bring hibernated instances back where they were', [
    { flags: '--suspended', doc: 'leave them suspended' },
  ]),
  {
    name: 'explain',
    doc: 'tell what stands in the way of hibernating an instance, or made the last attempt fail',
    operands: '<id>',
    words: [INSTANCE],
    options: [],
    example: 'runtimectl explain clock-1',
    load: async () => (await import('./commands/explain.ts')).explain,
  },
  {
    name: 'spec',
    doc: 'what run would make of the same words, without running it; or what an instance was made of',
    operands: '<appId|id> [command...]',
    words: [INSTANCE, ANY],
    options: [
      ...RUN_OPTIONS,
      { flags: '--explain', doc: 'a line for each field: its value, which layer set it, and by what' },
      {
        flags: '--diff <instance|file>',
        doc: 'only how it differs from an instance, a specification, or another app description',
        words: INSTANCE,
      },
      { flags: '--dobby', doc: 'the specification for Dobby instead of the OCI configuration' },
    ],
    example: 'runtimectl spec clock --host-rootfs --memory 64M --explain -- /bin/date',
    load: async () => (await import('./commands/spec.ts')).spec,
  },
  operation('terminate', 'end instances: SIGTERM, a grace period, then SIGKILL'),
  operation('kill', 'end instances at once, from any state'),
  {
    name: 'storage',
    doc: "list, empty or delete the apps' private directories; those of living apps are refused",
    operands: '<action> [appIds...]',
    words: [{ kind: 'choice', choices: ['ls', 'clear', 'delete'] }, ANY],
    options: [],
    example: 'runtimectl storage clear clock',
    load: async () => (await import('./commands/storage.ts')).storage,
  },
  {
    name: 'images',
    doc: 'list the images of apps that sleep: how large, and whether they would survive a power cut',
    options: [],
    example: 'runtimectl images --json',
    load: async () => (await import('./commands/images.ts')).images,
  },
  {
    name: 'packages',
    doc: 'list the unpacked images and mounted packages of apps, or delete unpacked images that no instance uses',
    operands: '<action>',
    words: [{ kind: 'choice', choices: ['ls', 'prune'] }],
    options: [],
    example: 'runtimectl packages prune',
    load: async () => (await import('./commands/packages.ts')).packages,
  },
  {
    name: 'logs',
    doc: 'what an app wrote to stdout and stderr',
    operands: '<id>',
    words: [INSTANCE],
    options: [
      { flags: '-f, --follow', doc: 'go on until the app ends; begins with the last 10 lines' },
      { flags: '--tail <n>', doc: 'begin with the last n lines', words: ANY },
      { flags: '--since-start', doc: 'begin with the first line, also with --follow' },
    ],
    example: 'runtimectl logs -f clock-1',
    load: async () => (await import('./commands/logs.ts')).logs,
  },
  {
    name: 'screenshot',
    doc: "a picture of an app's display (PNG); of one that sleeps, its last",
    operands: '<id>',
    words: [INSTANCE],
    options: [{ flags: '-o, --output <file>', doc: 'write it to this file; to stdout when absent', words: FILE }],
    example: 'runtimectl screenshot clock-1 -o clock.png',
    load: async () => (await import('./commands/screenshot.ts')).screenshot,
  },
  ...DISPLAY_COMMANDS,
  ...PAGE_COMMANDS,
  {
    name: 'events',
    doc: 'what happened, from the durable event log',
    options: [
      { flags: '--since <n>', doc: 'events after number n; 0: all that are kept', words: ANY },
      { flags: '-f, --follow', doc: 'go on with what happens; without --since: only that' },
      { flags: '--instance <id>', doc: "only this instance's", words: INSTANCE },
    ],
    example: 'runtimectl events --follow --since 0 --json',
    load: async () => (await import('./commands/events.ts')).events,
  },
  {
    name: 'limits',
    doc: 'show the limits of an instance, or give it others; an instance that sleeps has them when it wakes',
    operands: '<id>',
    words: [INSTANCE],
    options: [
      { flags: '--memory <size>', doc: 'memory, for example 64M, or none', words: ANY },
      { flags: '--cpus <number>', doc: 'cores, for example 0.5, or none', words: ANY },
      {
        flags: '--cpu-shares <number>',
        doc: 'share of the processor under load, or none: 1024, as everybody',
        words: ANY,
      },
      { flags: '--cores <list>', doc: 'cores that it may run on, for example 0-1,3, or none', words: ANY },
      { flags: '--io-weight <number>', doc: 'share of the disks under load, or none: 100, as everybody', words: ANY },
      { flags: '--pids <number>', doc: 'processes and threads at once, or none for the default', words: ANY },
    ],
    example: 'runtimectl limits clock-1 --memory 128M --cpus none',
    load: async () => (await import('./commands/limits.ts')).limits,
  },
  {
    name: 'mount',
    doc: 'show a directory or file of the host in an app that runs, until its run ends',
    operands: '<id> <src:dst[:ro]>',
    words: [INSTANCE, FILE],
    options: [],
    example: 'runtimectl mount clock-1 /media/usb:/mnt:ro',
    load: async () => (await import('./commands/mount.ts')).mount,
  },
  {
    name: 'unmount',
    doc: 'take away what mount has brought',
    operands: '<id> <dst>',
    words: [INSTANCE, ANY],
    options: [],
    example: 'runtimectl unmount clock-1 /mnt',
    load: async () => (await import('./commands/mount.ts')).unmount,
  },
  {
    name: 'exec',
    doc: "run a program in an app that runs, as the app's own user; its streams are ours, and so is its exit status",
    operands: '<id> <command...>',
    words: [INSTANCE, ANY],
    options: [
      { flags: '-i, --interactive', doc: 'give it our input; without it it has none' },
      { flags: '-t, --tty', doc: 'refused: programs that are run in apps have pipes, no terminal' },
      { flags: '--env <name=value>', doc: 'environment variable', many: true, words: ANY },
      { flags: '--cwd <dir>', doc: "working directory in the app; the app's own when absent", words: ANY },
      { flags: '--timeout <time>', doc: 'kill it when it takes longer, for example 10s', words: ANY },
    ],
    example: 'runtimectl exec clock-1 -- /bin/ls -l /data',
    load: async () => (await import('./commands/exec.ts')).exec,
  },
  {
    name: 'history',
    doc: 'what happened to an instance, how long each state lasted, why, and who asked for it; also long after its end',
    operands: '<id>',
    words: [INSTANCE],
    options: [{ flags: '--limit <n>', doc: 'the last n entries; 1000 when absent', words: ANY }],
    example: 'runtimectl history clock-1',
    load: async () => (await import('./commands/history.ts')).history,
  },
  {
    name: 'why',
    doc: 'why an instance is as it is, or how it ended: who asked, what happened, evidence, what mends it; also long after its end',
    operands: '<id>',
    words: [INSTANCE],
    options: [],
    example: 'runtimectl why clock-1',
    load: async () => (await import('./commands/why.ts')).why,
  },
  {
    name: 'problems',
    doc: 'what is wrong now, why, and what mends it; ends with 1 when something fails',
    options: [],
    example: 'runtimectl problems --json',
    load: async () => (await import('./commands/problems.ts')).problems,
  },
  {
    name: 'doctor',
    doc: 'examine this machine: tools, kernel, a real app with limits, dump and restore, disk, ids, the daemon; ends with 1 when something fails',
    options: [],
    example: 'runtimectl doctor --json',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    name: 'top',
    doc: 'living instances and what they use, live; with keys for operations (on the last line)',
    options: [
      { flags: '--once', doc: 'show it once; so it is where there is no terminal, and with --json' },
      {
        flags: '--sort <by>',
        doc: 'cpu, memory, name, state or age',
        words: { kind: 'choice', choices: ['cpu', 'memory', 'name', 'state', 'age'] },
      },
      { flags: '--interval <time>', doc: 'between two looks, for example 5s; 2s when absent', words: ANY },
    ],
    example: 'runtimectl top --once --sort memory',
    load: async () => (await import('./commands/top.ts')).top,
  },
  {
    name: 'annotate',
    doc: 'note texts of your own with an instance; info shows them',
    operands: '<id> [key=value...]',
    words: [INSTANCE, ANY],
    options: [
      { flags: '--remove <key>', doc: 'take a note away', many: true, words: ANY },
      {
        flags: '--revision <n>',
        doc: "only if the annotations' revision is n (info --json: annotationRevision)",
        words: ANY,
      },
    ],
    example: 'runtimectl annotate clock-1 "title=The clock" --remove draft',
    load: async () => (await import('./commands/annotate.ts')).annotate,
  },
  {
    name: 'version',
    doc: 'version of runtimectl',
    options: [{ flags: '--daemon', doc: 'and of the daemon, with its engine and place' }],
    example: 'runtimectl version --daemon',
    load: async () => (await import('./commands/version.ts')).version,
  },
  {
    name: 'completion',
    doc: 'completion script for a shell',
    operands: '<shell>',
    words: [{ kind: 'choice', choices: ['bash', 'zsh', 'fish'] }],
    options: [],
    example: 'source <(runtimectl completion bash)',
    load: async () => (await import('./commands/completion.ts')).completion,
  },
];
