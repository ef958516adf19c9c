/** What callers may ask of an instance besides the operations of its life. */
import type { MethodParams, MethodResults } from '../domain/api.ts';
import { appInstanceId } from '../domain/ids.ts';
import { Execs, type ExecCall } from './execs.ts';
import { historyOf } from './history.ts';
import type { Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import { annotate } from './operations/annotate.ts';
import { mount, unmount } from './operations/mount.ts';
import { askedBy } from './operations/operation.ts';
import { setLimits, type LimitChange } from './operations/set-limits.ts';
import { changeView, type ViewChange } from './operations/view.ts';
import type { ScreenStack } from './screen-stack.ts';
import type { World } from './world.ts';

type Call = ExecCall;
type Places = { readonly instances: Instances; readonly screens: ScreenStack };

export function liveMethods(world: World, { instances, screens }: Places) {
  const find = (params: { readonly appInstanceId: string }): Instance =>
    instances.get(appInstanceId(params.appInstanceId));
  const execs = new Execs(world);
  const change = async (one: { readonly appInstanceId: string }, wanted: () => ViewChange, call: Call) => {
    const instance = find(one);
    const work = () => askedBy(instance, call, () => changeView(world, instance, wanted()));
    const already = await instance.queue.push(work);
    await screens.settled();
    return { already };
  };
  return {
    annotate: async (params: MethodParams<'annotate'>, { by }: Call): Promise<MethodResults['annotate']> => {
      const { key, value, revision } = params;
      return { already: await annotate(world, find(params), { key, value, revision, by }) };
    },
    removeAnnotation: async (params: MethodParams<'removeAnnotation'>, { by }: Call) => {
      const { key, revision } = params;
      return { already: await annotate(world, find(params), { key, value: null, revision, by }) };
    },
    setLimits: async (params: MethodParams<'setLimits'>, call: Call): Promise<MethodResults['setLimits']> => {
      const instance = find(params);
      return instance.queue.push(() => askedBy(instance, call, () => setLimits(world, instance, limitsIn(params))));
    },
    mount: async (params: MethodParams<'mount'>, call: Call): Promise<MethodResults['mount']> => {
      const instance = find(params);
      const work = () => askedBy(instance, call, () => mount(world, instance, params));
      return { already: await instance.queue.push(work) };
    },
    unmount: async (params: MethodParams<'unmount'>, call: Call): Promise<MethodResults['unmount']> => {
      const instance = find(params);
      const work = () => askedBy(instance, call, () => unmount(world, instance, params.destination));
      return { already: await instance.queue.push(work) };
    },
    exec: async (params: MethodParams<'exec'>, call: Call) => execs.exec(find(params), params, call),
    execInput: (params: MethodParams<'execInput'>, call: Call) => execs.input(params, call),
    setVisible: (params: MethodParams<'setVisible'>, call: Call) =>
      change(params, () => ({ visible: params.visible }), call),
    setFocus: (params: MethodParams<'setFocus'>, call: Call) =>
      change(params, () => ({ focus: screens.focusFor(find(params)) }), call),
    setZOrder: (params: MethodParams<'setZOrder'>, call: Call) =>
      change(params, () => ({ zOrder: params.zOrder }), call),
    resizeDisplay: ({ width, height, ...one }: MethodParams<'resizeDisplay'>, call: Call) =>
      change(one, () => ({ size: { width, height } }), call),
    getHistory: (params: MethodParams<'getHistory'>) => historyOf(world, instances, params),
  };
}

const limitsIn = ({ appInstanceId: _, ...change }: MethodParams<'setLimits'>): LimitChange => change;
