/** Whether apps become OCI bundles or Dobby specs: as the settings say, or as this Dobby was built. */
import { RuntimeError } from '../../domain/errors.ts';
import type { SpecFormat } from '../../domain/spec.ts';
import type { Parts } from './parts.ts';
import { unhurried } from './start.ts';
import { readStartModes } from './start-modes.ts';

const FORMATS = { bundle: 'oci', spec: 'dobby' } as const;
const PATIENCE_MS = 2000;

/** Throws ENGINE_UNAVAILABLE when Dobby is not there to be looked at, or does not show it. A bundle says more, so it comes first. */
export function chooseFormat({
  way,
  settings,
  log,
}: Pick<Parts, 'way' | 'settings' | 'log'>): () => Promise<SpecFormat> {
  const { start } = settings;
  if (start !== 'auto') return () => Promise.resolve(FORMATS[start]);
  let known: { readonly life: string; readonly pid: number; readonly format: SpecFormat } | undefined;
  return async () => {
    const life = await way.serving(unhurried(PATIENCE_MS));
    const pid = await way.pidOf(life);
    if (known?.life === life && known.pid === pid) return known.format;
    const modes = await readStartModes(`/proc/${pid}/exe`);
    if (!modes.bundle && !modes.spec) throw unknown(pid);
    known = { life, pid, format: modes.bundle ? 'oci' : 'dobby' };
    log.info({ pid, ...modes, format: known.format }, 'how this Dobby starts containers');
    return known.format;
  };
}

const unknown = (pid: number): RuntimeError =>
  new RuntimeError('ENGINE_UNAVAILABLE', {
    what: `it cannot be seen how this Dobby (process ${pid}) starts containers`,
    next: 'set dobby.start to bundle, or to spec for a build for production (DOBBY_PROD), in config.yaml',
  });
