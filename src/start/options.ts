/** The daemon's command line. */
import { parseArgs } from 'node:util';
import { RuntimeError } from '../domain/errors.ts';
import { DEFAULT_LISTEN } from './listen.ts';

export const USAGE = `runtimemanagerd: runs apps in containers and moves them through their life

usage: runtimemanagerd [--root DIR] [--config FILE] [--listen [HOST:PORT]] [--engine NAME] [--stop-apps]

  --root DIR       keep everything below DIR (default: /run, /var/lib and /etc/runtime-manager;
                   also RUNTIME_MANAGER_ROOT)
  --config FILE    settings (default: config.yaml in the root, or /etc/runtime-manager/config.yaml)
  --listen [HOST:PORT]
                   serve HTTP and WebSocket by TCP too (bare: 127.0.0.1:9998); calls need the token of state/token
  --engine NAME    who runs the containers: embedded (default), dobby, a daemon of the device, or ocicontainer,
                   the same by way of Thunder
  --dobby-bus ADDRESS
                   D-Bus address where Dobby is (default: the system bus)
  --stop-apps      on a clean end, terminate the apps too (default: they run on, and the next daemon adopts them)
  --version        print the version
  --help           print this

It stays in the foreground, logs to stderr, and ends cleanly on SIGTERM or SIGINT.
example: runtimemanagerd --root /tmp/x &     then: runtimectl --root /tmp/x ps
`;

export type Options = {
  readonly root: string | undefined;
  readonly config: string | undefined;
  readonly listen: string | undefined;
  /** Of the configuration when absent. */
  readonly engine: EngineName | undefined;
  readonly dobbyBus: string | undefined;
  readonly stopApps: boolean;
  readonly version: boolean;
  readonly help: boolean;
};

const ENGINES = ['embedded', 'dobby', 'ocicontainer'] as const;
export type EngineName = (typeof ENGINES)[number];

/** Throws INVALID_ARGUMENT, or NOT_SUPPORTED for what DESIGN names and this version has not. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options {
  const { values } = parse(args);
  return {
    root: values.root ?? (env['RUNTIME_MANAGER_ROOT'] || undefined),
    config: values.config,
    listen: values.listen,
    engine: values.engine === undefined ? undefined : engineIn(values.engine),
    dobbyBus: values['dobby-bus'],
    stopApps: values['stop-apps'],
    version: values.version,
    help: values.help,
  };
}

/** A bare `--listen` means the usual address; node's parser has no optional values. */
const withAddress = (args: readonly string[]): string[] =>
  args.map((arg, index) => {
    const isBare = arg === '--listen' && (args[index + 1] ?? '-').startsWith('-');
    return isBare ? `--listen=${DEFAULT_LISTEN}` : arg;
  });

function engineIn(text: string): EngineName {
  const engine = ENGINES.find((name) => name === text);
  if (engine !== undefined) return engine;
  throw new RuntimeError('NOT_SUPPORTED', {
    what: `there is no engine ${JSON.stringify(text)}`,
    next: `use one of ${ENGINES.join(', ')}`,
  });
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: withAddress(args),
      options: {
        root: { type: 'string' },
        config: { type: 'string' },
        listen: { type: 'string' },
        engine: { type: 'string' },
        'dobby-bus': { type: 'string' },
        'stop-apps': { type: 'boolean', default: false },
        version: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: 'the command line cannot be read',
      next: 'see runtimemanagerd --help',
      cause: error,
    });
  }
}
