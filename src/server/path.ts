/** Thunder's paths: `/jsonrpc`, `/jsonrpc/`, `/jsonrpc/<callsign>[/]`, and the older `/Service/<callsign>[/]` (facts/thunder.md §1.1). */
import { CALLSIGN, CONTROLLER, JSON_RPC_PATH } from '../domain/wire.ts';

/** Which service a method without callsign is for; `undefined` at `/jsonrpc`, where both are served. */
export type Place = {
  readonly callsign: string | undefined;
  /** Below `/Service`: tells of a plugin by GET, and nothing more. */
  readonly isService?: true;
};

const SERVICE_PATH = '/Service';

const SERVED: readonly string[] = [CALLSIGN, CONTROLLER];

/** Undefined for a path or a callsign that is not served. */
export function placeOf(url: string | undefined): Place | undefined {
  const path = (url ?? '').split('?', 1)[0] ?? '';
  if (path.startsWith(`${SERVICE_PATH}/`)) {
    const callsign = path.slice(SERVICE_PATH.length + 1).replace(/\/$/, '');
    return SERVED.includes(callsign) ? { callsign, isService: true } : undefined;
  }
  if (path !== JSON_RPC_PATH && !path.startsWith(`${JSON_RPC_PATH}/`)) return undefined;
  const callsign = path.slice(JSON_RPC_PATH.length + 1).replace(/\/$/, '');
  if (callsign === '') return { callsign: undefined };
  return SERVED.includes(callsign) ? { callsign } : undefined;
}
