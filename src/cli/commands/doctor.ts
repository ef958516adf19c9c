import { RuntimeError } from '../../domain/errors.ts';
import type { Finding, Grade } from '../../domain/health.ts';
import type { Command } from '../command.ts';
import type { Output } from '../output.ts';

/** By the worst finding. */
const STATUS: Readonly<Record<Grade, number>> = { ok: 0, warn: 0, fail: 1 };
const STYLES = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

export const doctor: Command = async ({ daemon, environment, output }) => {
  if (daemon.url !== undefined || daemon.socket !== undefined) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: 'the doctor examines this machine, with a daemon named by --root or none',
      next: 'run it on the device, without --address and --socket; of another one: runtimectl --address URL problems',
    });
  }
  // an examination under way is finished: its app must not be left
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.removeAllListeners(signal);
    process.on(signal, () => output.note('the examination is about to end …'));
  }
  const { examine } = await import('../../doctor/doctor.ts');
  const findings = await examine({ root: daemon.root, env: environment }, (finding) => {
    if (!output.json) print(finding, output);
  });
  const worst =
    (['fail', 'warn', 'ok'] as const).find((grade) => findings.some(({ state }) => state === grade)) ?? 'ok';
  if (output.json) output.data({ state: worst, findings });
  else output.line(summary(findings));
  return STATUS[worst];
};

function print({ state, check, what, why, next }: Finding, output: Output): void {
  output.line(`${output.style(STYLES[state], state.padEnd(4))} ${check}: ${what}`);
  if (why !== null) output.line(`       why: ${why}`);
  if (next !== null) output.line(`       next: ${next}`);
}

function summary(findings: readonly Finding[]): string {
  const count = (grade: Grade): number => findings.filter(({ state }) => state === grade).length;
  return `${count('fail')} to mend, ${count('warn')} to look at, ${count('ok')} in order`;
}
