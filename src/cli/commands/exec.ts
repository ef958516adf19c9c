import type { RunningExec } from '../../client/exec.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { ExecSignal } from '../../domain/exec.ts';
import type { Command, Invocation } from '../command.ts';
import { isSet, textOf, textsOf } from '../options.ts';
import { durationOf, envOf } from '../values.ts';

/** The exit status is the program's own, or that of the error that kept it from running. */
export const exec: Command = async ({ operands: [appInstanceId = '', ...args], options, daemon, output }) => {
  if (isSet(options, 'tty')) throw noTerminal();
  const { connect } = await import('../../client/node.ts');
  using client = await connect(daemon);
  const params = { appInstanceId, args, ...paramsOf(options) };
  if (output.json) {
    const result = await client.exec(params);
    output.data(result);
    return result.exitCode ?? 1;
  }
  const running = await client.openExec(params, {
    onOutput: (stream, data) => void process[stream].write(data),
  });
  passSignals(running);
  if (isSet(options, 'interactive')) void passInput(running);
  const { exitCode } = await running.result;
  return exitCode ?? 1;
};

const noTerminal = (): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', {
    what: 'exec gives no terminal: the program has pipes',
    next: 'leave -t out; a shell is interactive with -i and an option of its own (exec -i ID -- sh -i)',
  });

function paramsOf(options: Invocation['options']) {
  const timeout = textOf(options, 'timeout');
  const cwd = textOf(options, 'cwd');
  return {
    env: envOf(textsOf(options, 'env')),
    ...(cwd !== undefined && { cwd }),
    ...(timeout !== undefined && { timeoutMs: durationOf('--timeout', timeout) }),
    ...(!isSet(options, 'interactive') && { stdin: '' }),
  };
}

/** The first Ctrl-C is the program's; with the second one we leave, and then the daemon ends the program. */
function passSignals(running: RunningExec): void {
  const pass = (name: ExecSignal, status: number): void => {
    process.removeAllListeners(name);
    process.once(name, () => {
      void running.signal(name).catch(() => undefined);
      process.once(name, () => process.exit(status));
    });
  };
  pass('SIGINT', 130);
  pass('SIGTERM', 143);
}

async function passInput(running: RunningExec): Promise<void> {
  try {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) await running.write(chunk);
    await running.end();
  } catch {
    // it has ended, and its result says how
  }
}
