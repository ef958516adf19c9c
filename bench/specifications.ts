/** How long it takes to make a specification of what is known already: no file is looked at. */
import { GOLDEN_APPS } from '../test/lib/golden-apps.ts';
import { dobbyOf, ociOf, type SpecApp } from '../test/lib/spec-apps.ts';
import { median } from './lib/statistics.ts';
import type { Figure } from './lib/table.ts';

const ROUNDS = 500;

/** Each with what it is asked for most: limits and variables of the device, a package, overlays. */
export function specifications(): readonly Figure[] {
  const figure = (what: string, name: string, make: (app: SpecApp) => object): Figure => {
    const app = GOLDEN_APPS[name] ?? {};
    const times: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const begin = performance.now();
      make(app);
      times.push(performance.now() - begin);
    }
    return { what, ours: median(times), unit: 'ms', bound: 1 };
  };
  return [
    figure('generating an OCI configuration, median', 'limits-all', ociOf),
    figure("generating one from RDK's words with overlays, median", 'rdk-spec', ociOf),
    figure('generating a Dobby spec with overlays, median', 'rdk-additionalconfig-granted', dobbyOf),
    figure('generating and explaining an OCI configuration, median', 'limits-all', (app) => {
      const { config, origins } = ociOf(app);
      return origins.explain(config);
    }),
  ];
}
