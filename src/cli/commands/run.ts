import { resolve } from 'node:path';
import { callOnce } from '../../client/unix.ts';
import { RuntimeError } from '../../domain/errors.ts';
import { appFrom } from '../app-options.ts';
import type { Command } from '../command.ts';
import { textOf } from '../options.ts';

export const run: Command = async ({ operands, options, daemon, output, cwd }) => {
  const [appId = '', ...command] = operands;
  const file = textOf(options, 'config');
  const described =
    file === undefined ? {} : await (await import('../config-file.ts')).readConfigFile(resolve(cwd, file));
  const app = appFrom({ options, command, described, cwd });
  // made here and not by the daemon: when the answer is lost it is known what to ask for
  const appInstanceId = textOf(options, 'instance') ?? crypto.randomUUID();
  try {
    const started = await callOnce(daemon, ['run', { appId, appInstanceId, app }]);
    if (output.json) output.data(started);
    else output.line(started.appInstanceId);
    return 0;
  } catch (error) {
    throw isAnswerLost(error) ? mayRun(error, appInstanceId) : error;
  }
};

const isAnswerLost = (error: unknown): error is RuntimeError =>
  error instanceof RuntimeError &&
  (error.code === 'TIMED_OUT' || (error.code === 'UNREACHABLE' && error.details?.['asked'] === true));

const mayRun = (error: RuntimeError, appInstanceId: string): RuntimeError =>
  new RuntimeError(error.code, {
    what: `${appInstanceId} may run or not: the answer was lost`,
    next: `runtimectl info ${appInstanceId} tells; run with --instance ${appInstanceId} asks again and starts no second one`,
    details: { appInstanceId },
    cause: error,
  });
