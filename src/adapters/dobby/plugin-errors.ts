/** What can go wrong between us and the plugin that asks Dobby for us, for people. */
import { RuntimeError, type ErrorCode } from '../../domain/errors.ts';

type Saying = { readonly code: ErrorCode; readonly what: string; readonly next: string };

const AWAY: Saying = {
  code: 'ENGINE_UNAVAILABLE',
  what: 'Dobby cannot be reached through Thunder',
  next: 'look whether Thunder runs and org.rdk.OCIContainer is active, and at thunder.url in config.yaml (docs/dobby.md)',
};

/** By the refusal that Thunder's client names in the details of its errors. */
const SAYINGS: Readonly<Record<string, Saying>> = {
  inactive: { ...AWAY, next: 'activate org.rdk.OCIContainer (Controller.activate)' },
  'unknown-service': { ...AWAY, next: 'install org.rdk.OCIContainer on this device, or use the engine dobby' },
  'not-allowed': { ...AWAY, next: 'give a token that may call org.rdk.OCIContainer: thunder.tokenFile in config.yaml' },
  'unknown-method': {
    code: 'NOT_SUPPORTED',
    what: 'this build of org.rdk.OCIContainer cannot do that',
    next: 'update it, or use the engine dobby',
  },
};

export const away = (cause: unknown): RuntimeError => new RuntimeError(AWAY.code, { ...AWAY, cause });

const refusalOf = (error: unknown): string => String(RuntimeError.of(error).details?.['refusal']);

/** Whether the plugin is there to say so. */
export const isPresence = (error: unknown): boolean =>
  ['unknown-method', 'duplicate', 'declined', 'failed'].includes(refusalOf(error));

/** Whether the plugin, or Thunder in its place, has said that it does not do it. */
export const isAnswer = (error: unknown): boolean =>
  ['inactive', 'unknown-service', 'not-allowed', 'unknown-method'].includes(refusalOf(error));

export function inPlainWords(error: unknown): RuntimeError {
  const refusal = refusalOf(error);
  const { code, ...story } = SAYINGS[refusal] ?? AWAY;
  return new RuntimeError(code, { ...story, details: { refusal }, cause: error });
}
