/** The device nodes of the machine that every app gets. */
import { wrongNodes } from '../adapters/files/device-nodes.ts';
import { fail, ok, warn, type Check } from './place.ts';

const CHECK = 'device nodes';

export const examineDevices: Check = () => {
  const found = wrongNodes().map(({ state, what, why, next }) =>
    (state === 'fail' ? fail : warn)(CHECK, { what, why, next }),
  );
  return Promise.resolve(
    found.length > 0 ? found : [ok(CHECK, 'null, zero, full, random, urandom, tty and ptmx are what they must be')],
  );
};
