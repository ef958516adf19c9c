/** What is wrong with this machine so that apps cannot be started; a start that fails for it says so, whatever the tools say. */
import { existsSync } from 'node:fs';
import { closedToPrograms } from '../adapters/files/closed-to-programs.ts';
import { wrongNodes } from '../adapters/files/device-nodes.ts';
import { noInit } from '../adapters/inside/inside-directories.ts';
import { isGeneral } from '../domain/errno.ts';
import { RuntimeError, type ErrorCode } from '../domain/errors.ts';
import type { MachineFault } from '../domain/health.ts';
import type { Layout } from '../domain/layout.ts';
import type { Engine } from '../ports/engine.ts';

/** Looks each time: what is put right is gone at once. */
export type MachineFaults = () => readonly MachineFault[];

/** `init`: process 1 of every app, as {@link MachineFacts} has it. */
export const machineFaults =
  ({ state }: Layout, init: string): MachineFaults =>
  () => {
    const inside = `${state}/inside`;
    const isMissing = !existsSync(init) && !existsSync(`${inside}/.init`);
    return [...wrongNodes(), ...closedToPrograms(inside), ...(isMissing ? [NO_INIT] : [])];
  };

const { code, what, next = '' } = noInit();
const NO_INIT: MachineFault = { code, state: 'fail', what, why: 'no app can be started or woken without it', next };

/** The first for which nothing starts, as the error of a start. */
export function startFault(faults: MachineFaults): RuntimeError | undefined {
  const fault = faults().find(({ state }) => state === 'fail');
  if (fault === undefined) return undefined;
  return new RuntimeError(codeOf(fault), { what: fault.what, next: fault.next, cause: fault.why });
}

const codeOf = ({ code }: MachineFault): ErrorCode => (code === 'DISK_UNUSABLE' ? code : 'ENGINE_UNAVAILABLE');

/** The same engine; of an error that only says what did not work the machine's fault is the cause. */
export const blamingMachine = (engine: Engine, faults: MachineFaults): Engine => ({
  ...engine,
  start: (...order) => blamed(faults, () => engine.start(...order)),
  restore: (...order) => blamed(faults, () => engine.restore(...order)),
});

async function blamed<Done>(faults: MachineFaults, work: () => Promise<Done>): Promise<Done> {
  try {
    return await work();
  } catch (thrown) {
    const { code, what, details, message } = RuntimeError.of(thrown);
    const fault = isGeneral(code) ? startFault(faults) : undefined;
    if (fault === undefined) throw thrown;
    throw new RuntimeError(fault.code, { what, next: fault.next, details, cause: `${fault.message}; ${message}` });
  }
}
