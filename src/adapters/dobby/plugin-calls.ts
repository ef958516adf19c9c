/** What is asked of Dobby, through org.rdk.OCIContainer: the same as over the bus, by the containers' names. */
import type { Wait } from '../../ports/wait.ts';
import { infoIn, type DobbyCalls, type Late, type Started, type Target } from './calls.ts';
import type { PluginLink } from './plugin-link.ts';
import { stateIn } from './plugin-replies.ts';

/** All throw as {@link PluginLink.call}. */
export function pluginCalls(link: PluginLink): DobbyCalls {
  const tell = async (method: string, params: object, wait: Wait, late?: Late<boolean>): Promise<boolean> => {
    const asked = { method, params, late: late && (({ success }: { success: boolean }) => late(success)) };
    return (await link.call(asked, wait)).success;
  };
  const start = (asked: Parameters<PluginLink['start']>[1] & { id: string }, wait: Wait, late: Late<Started>) =>
    link.start(asked.id, asked, { ...wait, late });
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
    stop: (target, force, wait) => tell('stopContainer', { ...by(target), force }, wait),
    pause: (target, wait, late) => tell('pauseContainer', by(target), wait, late),
    resume: (target, wait, late) => tell('resumeContainer', by(target), wait, late),
    hibernate: (target, options, wait) => tell('hibernateContainer', { ...by(target), options }, wait),
    wakeup: (target, wait) => tell('wakeupContainer', by(target), wait),
    mount: (target, { source, destination, flags }, wait) => {
      const params = { ...by(target), source, target: destination, type: 'bind', options: flags.join(',') };
      return tell('mount', params, wait);
    },
    unmount: (target, destination, wait) => tell('unmount', { ...by(target), target: destination }, wait),
    annotate: (target, [key, value], wait) => tell('annotate', { ...by(target), key, value }, wait),
    removeAnnotation: (target, key, wait) => tell('removeAnnotation', { ...by(target), key }, wait),
    exec: (target, [options, command], wait) => tell('executeCommand', { ...by(target), options, command }, wait),
    state: async (target, wait) => stateIn(await link.call({ method: 'getContainerState', params: by(target) }, wait)),
    info: async (target, wait) =>
      infoIn((await link.call({ method: 'getContainerInfo', params: by(target) }, wait)).info),
    list: (wait) => link.list(wait),
  };
}
