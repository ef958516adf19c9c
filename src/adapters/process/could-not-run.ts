/** Why a program was not run. ENOENT is also said when the /dev/null that is to be its input is missing. Source: libuv, uv_spawn. */
import { RuntimeError, type ErrorDetails } from '../../domain/errors.ts';
import { wrongNodes } from '../files/device-nodes.ts';

const DOCTOR = 'runtimectl doctor looks at every tool, and names the package that has it';

export function couldNotRun(command: string, cause: Error, details?: ErrorDetails): RuntimeError {
  const what = `${command} could not be run`;
  const node = wrongNodes().find(({ state }) => state === 'fail');
  if (node === undefined) return new RuntimeError('TOOL_FAILED', { what, next: DOCTOR, cause, details });
  const { next } = node;
  return new RuntimeError('TOOL_FAILED', { what, next, cause: `${node.what}: ${node.why}; ${cause.message}`, details });
}
