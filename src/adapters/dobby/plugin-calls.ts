/** What is asked of Dobby, through org.rdk.OCIContainer: the same as over the bus, by the containers' names. */
import type { Wait } from '../../ports/wait.ts';
import { infoIn, type DobbyCalls, type Late, type Started, type Target } from './calls.ts';
import type { Asked, PluginLink } from './plugin-link.ts';
import { stateIn, type Reply } from './plugin-replies.ts';

type Deed = Pick<Asked, 'method' | 'params'>;

/** All throw as {@link PluginLink.call}. */
export function pluginCalls(link: PluginLink): DobbyCalls {
  const tell = async (
    { late, ...deed }: Deed & { readonly late?: Late<boolean> | undefined },
    wait: Wait,
  ): Promise<boolean> => {
    const told = late && (({ success }: Reply): void => late(success));
    return (await link.call({ ...deed, late: told }, wait)).success;
  };
  const start = ({ id, ...deed }: Deed & { readonly id: string }, wait: Wait, late: Late<Started>) =>
    link.start(id, deed, { ...wait, late });
  const by = ({ name }: Target) => ({ containerId: name });
  return {
    startFromBundle: ({ id, bundle }, wait, late) => {
      const params = { containerId: id, bundlePath: bundle, command: '', westerosSocket: '' };
      return start({ id, method: 'startContainer', params }, wait, late);
    },
    startFromSpec: ({ id, spec, display }, wait, late) => {
      const params = { containerId: id, dobbySpec: spec, command: '', westerosSocket: display };
      return start({ id, method: 'startContainerFromDobbySpec', params }, wait, late);
    },
    stop: (target, force, wait) => tell({ method: 'stopContainer', params: { ...by(target), force } }, wait),
    pause: (target, wait, late) => tell({ method: 'pauseContainer', params: by(target), late }, wait),
    resume: (target, wait, late) => tell({ method: 'resumeContainer', params: by(target), late }, wait),
    hibernate: (target, options, wait) =>
      tell({ method: 'hibernateContainer', params: { ...by(target), options } }, wait),
    wakeup: (target, wait) => tell({ method: 'wakeupContainer', params: by(target) }, wait),
    mount: (target, { source, destination, flags }, wait) => {
      const params = { ...by(target), source, target: destination, type: 'bind', options: flags.join(',') };
      return tell({ method: 'mount', params }, wait);
    },
    unmount: (target, destination, wait) =>
      tell({ method: 'unmount', params: { ...by(target), target: destination } }, wait),
    annotate: (target, [key, value], wait) => tell({ method: 'annotate', params: { ...by(target), key, value } }, wait),
    removeAnnotation: (target, key, wait) => tell({ method: 'removeAnnotation', params: { ...by(target), key } }, wait),
    exec: (target, [options, command], wait) =>
      tell({ method: 'executeCommand', params: { ...by(target), options, command } }, wait),
    state: async (target, wait) => stateIn(await link.call({ method: 'getContainerState', params: by(target) }, wait)),
    info: async (target, wait) =>
      infoIn((await link.call({ method: 'getContainerInfo', params: by(target) }, wait)).info),
    list: (wait) => link.list(wait),
  };
}
