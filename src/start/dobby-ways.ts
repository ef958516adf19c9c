/** Who builds which engine that drives Dobby. */
import type { Config } from '../config.ts';
import type { DobbyOptions, DobbyParts } from './dobby-engine.ts';

export type DobbyWay = Exclude<Config['engine'], 'embedded'>;

type Build = (options: DobbyOptions) => Promise<DobbyParts>;

/** Who does not use one does not read it. */
export const DOBBY_WAYS: Readonly<Record<DobbyWay, Build>> = {
  dobby: async (options) => (await import('./dobby.ts')).buildDobby(options),
  ocicontainer: async (options) => (await import('./ocicontainer.ts')).buildOciContainer(options),
};

export const isDobbyWay = (engine: string): engine is DobbyWay => Object.hasOwn(DOBBY_WAYS, engine);
