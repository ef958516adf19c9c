import { callOnce } from '../../client/unix.ts';
import { RuntimeError } from '../../domain/errors.ts';
import { askedFor } from '../app-request.ts';
import type { Command, Invocation } from '../command.ts';
import { textOf } from '../options.ts';

export const run: Command = async (invocation) => {
  const { options, daemon, output } = invocation;
  // made here and not by the daemon: when the answer is lost it is known what to ask for
  const appInstanceId = textOf(options, 'instance') ?? crypto.randomUUID();
  const { request, explainError } = await askedFor(invocation, appInstanceId);
  try {
    const started = await callOnce(daemon, ['run', request]);
    if (output.json) output.data(started);
    else output.line(started.appInstanceId);
    await showNotes(invocation, started.appInstanceId);
    if (request.app?.hibernation?.enabled === true) await warnOfEngine(invocation, started.appInstanceId);
    return 0;
  } catch (error) {
    throw isAnswerLost(error) ? mayRun(error, appInstanceId) : await explainError(error);
  }
};

/** What has no limit is for people, not for every line of a script. */
async function showNotes({ daemon, output }: Invocation, appInstanceId: string): Promise<void> {
  const { notes, warnings } = await callOnce(daemon, ['getInfo', { appInstanceId }]);
  for (const warning of warnings) output.note(`warning: ${warning}`);
  for (const note of notes.filter((one) => output.isTerminal || !one.startsWith('no limit'))) {
    output.note(`note: ${note}`);
  }
}

/** Whoever asks for hibernation learns at once when this device cannot. */
async function warnOfEngine({ daemon, output }: Invocation, appInstanceId: string): Promise<void> {
  const { findings } = await callOnce(daemon, ['explainHibernation', { appInstanceId }]);
  const unable = findings.find(({ code }) => code === 'ENGINE_CANNOT');
  if (unable !== undefined) output.note(`${unable.what}: ${unable.why}\n  next: ${unable.next}`);
}

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
