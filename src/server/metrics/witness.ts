/** Who counts calls, and writes RDK's lines about them. */
import type { Log } from '../../ports/log.ts';
import type { Witness } from '../methods.ts';
import type { Service } from '../service.ts';
import { tellMarker } from '../telemetry.ts';
import type { Meter } from './meter.ts';

type Options = { readonly service: Service; readonly log: Log; readonly meter: Meter };

export function witnessOf({ service, log, meter }: Options): Witness {
  return {
    deed: (name, { params, ms, failure }) => {
      meter.operation(name, { ms, failure });
      // nobody waits for it, so nothing may come of its failure
      tellMarker({ service, log }, name, { params, ms, ok: failure === undefined }).catch((error: unknown) => {
        log.warn({ err: error }, 'a marker could not be told');
      });
    },
    page: (page, since) => meter.page(page, since),
  };
}
