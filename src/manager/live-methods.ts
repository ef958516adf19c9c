/** What callers may ask of an instance besides the operations of its life. */
import type { MethodParams, MethodResults } from '../domain/api.ts';
import { appInstanceId } from '../domain/ids.ts';
import { historyOf } from './history.ts';
import type { Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import { annotate } from './operations/annotate.ts';
import type { World } from './world.ts';

type Call = { readonly by?: string | undefined };

export function liveMethods(world: World, instances: Instances) {
  const find = (params: { readonly appInstanceId: string }): Instance =>
    instances.get(appInstanceId(params.appInstanceId));
  return {
    annotate: async (params: MethodParams<'annotate'>, { by }: Call): Promise<MethodResults['annotate']> => {
      const { key, value, revision } = params;
      return { already: await annotate(find(params), { key, value, revision, by }) };
    },
    removeAnnotation: async (params: MethodParams<'removeAnnotation'>, { by }: Call) => {
      const { key, revision } = params;
      return { already: await annotate(find(params), { key, value: null, revision, by }) };
    },
    getHistory: (params: MethodParams<'getHistory'>) => historyOf(world, instances, params),
  };
}
