/** Libraries that the device loads into every app: Dobby writes /etc/ld.so.preload, our engine a variable that does the same. */
import type { Described } from './described.ts';

const VARIABLE = 'LD_PRELOAD';

/** After the app's own. Those that are there already stay where they are, as in an app that was described once already. */
export function withPreloads(described: Described): Described {
  const { app, origins, platform } = described;
  const own = (app.env[VARIABLE] ?? '').split(/[: ]+/).filter((library) => library !== '');
  const more = platform.preloads.value.filter((library) => !own.includes(library));
  if (own.length + more.length === 0) return described;
  if (own.every((library) => platform.preloads.value.includes(library))) {
    origins.set(`env[${VARIABLE}]`, platform.preloads.origin);
  }
  return { ...described, app: { ...app, env: { ...app.env, [VARIABLE]: [...own, ...more].join(':') } } };
}
