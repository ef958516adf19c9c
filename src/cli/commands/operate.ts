/** suspend, resume, hibernate, wake, terminate, kill: the same for each instance, on with the others when one fails. */
import { callOnce } from '../../client/unix.ts';
import { ERRORS, RuntimeError } from '../../domain/errors.ts';
import type { Command, Invocation } from '../command.ts';

type OperationName = 'suspend' | 'resume' | 'hibernate' | 'wake' | 'terminate' | 'kill';
type Outcome = { readonly appInstanceId: string } & (
  { readonly already: boolean; readonly error?: undefined } | { readonly error: RuntimeError }
);

/** Side by side, because each may take as long as its app's grace period; not all, because each is a connection. */
const AT_ONCE = 16;

const DONE: Readonly<Record<OperationName, string>> = {
  suspend: 'suspended',
  resume: 'running again',
  hibernate: 'hibernated',
  wake: 'awake',
  terminate: 'terminated',
  kill: 'killed',
};
const ALREADY: Readonly<Record<OperationName, string>> = {
  suspend: 'suspended already',
  resume: 'running already',
  hibernate: 'hibernated already',
  wake: 'awake already',
  terminate: 'terminated already',
  kill: 'terminated already',
};

export const operate: Command = async (invocation) => {
  const { operands, output } = invocation;
  const name = invocation.name as OperationName;
  const ids = [...new Set(operands)];
  const outcomes: Outcome[] = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const some = ids.slice(from, from + AT_ONCE).map((id) => attempt(invocation, name, id));
    for (const pending of some) {
      const outcome = await pending;
      outcomes.push(outcome);
      report(invocation, name, outcome);
    }
  }
  if (output.json) output.data(outcomes);
  const failed = outcomes.find((outcome) => outcome.error !== undefined);
  return failed?.error === undefined ? 0 : ERRORS[failed.error.code].exitCode;
};

/** Never rejects: the others are waited for in turn. */
async function attempt({ daemon, options }: Invocation, name: OperationName, appInstanceId: string): Promise<Outcome> {
  try {
    const { already } =
      name === 'wake'
        ? await callOnce(daemon, [name, { appInstanceId, target: targetOf(options) }])
        : await callOnce(daemon, [name, { appInstanceId }]);
    return { appInstanceId, already };
  } catch (thrown) {
    return { appInstanceId, error: RuntimeError.of(thrown) };
  }
}

const targetOf = (options: Invocation['options']): 'SUSPENDED' | 'RUNNING' =>
  options['suspended'] === true ? 'SUSPENDED' : 'RUNNING';

function report({ output }: Invocation, name: OperationName, outcome: Outcome): void {
  if (outcome.error !== undefined) output.error(outcome.error);
  else if (!output.json) output.line(`${outcome.appInstanceId} is ${(outcome.already ? ALREADY : DONE)[name]}`);
}
