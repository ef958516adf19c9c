/** Whether apps become OCI bundles or Dobby specs: as the settings say, or as this Dobby was built. */
import { RuntimeError } from '../../domain/errors.ts';
import type { SpecFormat } from '../../domain/spec.ts';
import type { Parts } from './parts.ts';

const FORMATS = { bundle: 'oci', spec: 'dobby' } as const;

/** Throws ENGINE_UNAVAILABLE when Dobby is not there to be looked at, or does not show it. A bundle says more, so it comes first. */
export function chooseFormat({
  program: read,
  settings,
}: Pick<Parts, 'program' | 'settings'>): () => Promise<SpecFormat> {
  const { start } = settings;
  if (start !== 'auto') return () => Promise.resolve(FORMATS[start]);
  return async () => {
    const { pid, program } = await read();
    if (program === undefined) throw unknown(pid);
    return program.bundle ? 'oci' : 'dobby';
  };
}

const unknown = (pid: number): RuntimeError =>
  new RuntimeError('ENGINE_UNAVAILABLE', {
    what: `it cannot be seen how this Dobby (process ${pid}) starts containers`,
    next: 'set dobby.start to bundle, or to spec for a build for production (DOBBY_PROD), in config.yaml',
  });
