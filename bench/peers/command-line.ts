/** Podman and Docker have the same words for nearly everything. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ARGS, type Peer } from './peer.ts';

export type CommandLine = {
  /** Program and options that stand before the words. */
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Options of `run`. */
  readonly options: readonly string[];
  /** What is run: `--rootfs DIRECTORY`, or the name of an image. */
  readonly source: readonly string[];
  readonly hibernate: (id: string) => readonly string[];
  readonly wake: (id: string) => readonly string[];
  /** Prints the kind of an event and the container's name. */
  readonly eventFormat: string;
  /** Member of what `inspect` says of a state: the process that watches the app. */
  readonly monitor?: string;
};

/** With the last line that it said. */
export async function call(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(argv[0] ?? '', argv.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const said = { out: '', errors: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.errors += chunk.toString()));
  // not `close`: what a daemon of its own keeps open is no part of the call
  const [code] = (await once(child, 'exit')) as [number | null];
  await new Promise(setImmediate);
  if (code === 0) return said.out.trim();
  throw new Error(said.errors.trim().split('\n').at(-1) ?? `exit code ${code ?? 'none'}`);
}

export async function openCommandLine(line: CommandLine, close: () => Promise<void>): Promise<Peer> {
  const { env, monitor } = line;
  const at = (...words: readonly string[]) => call([...line.argv, ...words], env);
  const events = follow(line);
  const { told } = events;
  const read = async (id: string, member: string) =>
    Number(await at('inspect', '--format', `{{.State.${member}}}`, id));
  return {
    start: (id) => at('run', '-d', '--name', id, ...line.options, ...line.source, ...ARGS),
    suspend: (id) => at('pause', id),
    resume: (id) => at('unpause', id),
    hibernate: (id) => at(...line.hibernate(id)),
    wake: (id) => at(...line.wake(id)),
    terminate: async (id) => {
      await at('stop', '-t', '10', id);
      await at('rm', id);
    },
    pid: (id) => read(id, 'Pid'),
    told,
    remove: (id) => at('rm', '-f', id),
    ...(monitor !== undefined && {
      outside: async (ids) =>
        (await at('inspect', '--format', `{{.State.${monitor}}}`, ...ids)).split('\n').map(Number),
    }),
    [Symbol.asyncDispose]: async () => {
      await events.end();
      await close();
    },
  };
}

/** `events` says `died` (Podman) or `die` (Docker) and the name. */
function follow({ argv, env, eventFormat }: CommandLine) {
  const waiting = new Map<string, () => void>();
  const words = [...argv.slice(1), 'events', '--format', eventFormat];
  const child = spawn(argv[0] ?? '', words, { env, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  const gone = once(child, 'exit');
  createInterface(child.stdout).on('line', (text) => {
    const [status = '', name = ''] = text.split(' ');
    if (/^died?$/.test(status)) waiting.get(name)?.();
  });
  return {
    told: (id: string) => new Promise<void>((resolve) => waiting.set(id, resolve)),
    end: async () => {
      child.kill();
      await gone;
    },
  };
}
