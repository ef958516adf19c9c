/**
 * RDK's telemetry markers as lines of the log, which its agent collects by the marker's name: how long callers waited.
 * Names and fields: upstream's (facts/thunder.md §5.8). Where upstream leaves `appId` empty after a failure, it is told here too.
 */
import type { MethodName } from '../domain/api.ts';
import type { Log } from '../ports/log.ts';
import type { Service } from './service.ts';

type Marker = { readonly marker: string; readonly field: string };

const row = (name: string, field: string): Marker => ({
  marker: `ENTS_INFO_RDKAM${name}`,
  field: `runtimeManager${field}`,
});

export const MARKERS: Readonly<Partial<Record<MethodName, Marker>>> = {
  run: row('AppLaunchTime', 'RunTime'),
  terminate: row('AppCloseTime', 'TerminateTime'),
  kill: row('AppCloseTime', 'TerminateTime'),
  suspend: row('SuspendTime', 'SuspendTime'),
  resume: row('ResumeTime', 'ResumeTime'),
  hibernate: row('HibernateTime', 'HibernateTime'),
  wake: row('WakeTime', 'WakeTime'),
};

/** Of the daemon's own start. */
export const BOOTSTRAP: Marker = row('PluginBootstrapTime', 'BootstrapTime');

type Deed = { readonly params: unknown; readonly ms: number; readonly ok: boolean };

/** Writes the line of one call, if there is one for it. Upstream has none for a launch or an end that failed. */
export async function tellMarker(
  { service, log }: { readonly service: Service; readonly log: Log },
  name: MethodName,
  { params, ms, ok }: Deed,
): Promise<void> {
  const row = MARKERS[name];
  if (row === undefined || (!ok && row.marker.includes('App'))) return;
  log.info({ marker: row.marker, [row.field]: Math.round(ms), appId: await appIdOf(service, params) }, 'telemetry');
}

/** Empty where nobody knows the instance. */
async function appIdOf(service: Service, params: unknown): Promise<string> {
  const { appId, appInstanceId = '' } = (params ?? {}) as { readonly appId?: string; readonly appInstanceId?: string };
  if (appId !== undefined) return appId;
  const call = { signal: new AbortController().signal };
  try {
    return (await service.getInfo({ appInstanceId }, call)).appId;
  } catch {
    return '';
  }
}
