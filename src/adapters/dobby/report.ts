/** What this engine can do, for people. */
import { RuntimeError } from '../../domain/errors.ts';
import type { SpecFormat } from '../../domain/spec.ts';
import type { EngineReport } from '../../ports/engine.ts';
import type { Wait } from '../../ports/wait.ts';
import type { Parts } from './parts.ts';

const CANNOT = [
  'keep a hibernated app over a reboot, or over the end of Dobby or memcr',
  'change the limits of an app that runs',
  'hand input to a program run with exec, or tell its output and exit code',
  'publish a port of the app under another number',
  'keep apps alive when Dobby ends or is restarted',
];
const SPEC_CANNOT = ['run an app from another root file system than the device’s own (dobby.start: spec)'];

/** `List` and not `Ping`: that one is answered while the worker hangs (facts/dobby.md §0.4). */
export async function report(parts: Parts, format: () => Promise<SpecFormat>, wait: Wait): Promise<EngineReport> {
  const { engine: name, cannot } = parts.traits;
  const engine = { engine: name, runtime: name };
  const common = [...CANNOT, ...cannot];
  try {
    await parts.calls.list(wait);
    const more = (await format()) === 'dobby' ? SPEC_CANNOT : [];
    return { ...engine, answers: true, why: null, cannot: [...common, ...more] };
  } catch (error) {
    return { ...engine, answers: false, why: RuntimeError.of(error).message, cannot: common };
  }
}
