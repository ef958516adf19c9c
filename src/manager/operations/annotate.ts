/** Notes of callers with an instance. No operation: they wait for none, and are possible in every state. */
import { RuntimeError } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../ports/journal.ts';
import type { Instance, Step } from '../instance.ts';
import type { World } from '../world.ts';

const MAX_ANNOTATIONS = 64;

export type Annotation = {
  readonly key: string;
  /** Null: it is to go. */
  readonly value: string | null;
  /** What the caller takes for the present revision; undefined when that is all the same to him. */
  readonly revision: number | undefined;
  readonly by: string | undefined;
};

/** True when it was so already. Throws CONFLICT, NO_SPACE. */
export async function annotate(world: World, instance: Instance, annotation: Annotation): Promise<boolean> {
  const outcome = { already: false };
  await instance.update((record) => {
    refuseStale(record, annotation);
    outcome.already = valueOf(record, annotation.key) === annotation.value;
    return outcome.already ? undefined : stepTo(record, annotation);
  });
  if (!outcome.already) show(world, instance, annotation);
  return outcome.already;
}

/** What is written counts; others see it as soon as the engine has taken it. */
function show({ engine, log }: World, { record }: Instance, { key, value }: Annotation): void {
  const { live, containerId, appInstanceId } = record;
  if (live === null) return;
  engine.annotate?.(containerId, live, [key, value]).catch((error: unknown) => {
    log.warn({ err: error, appInstanceId, key }, 'the engine has not taken an annotation');
  });
}

const valueOf = ({ annotations }: InstanceRecord, key: string): string | null =>
  Object.hasOwn(annotations, key) ? (annotations[key] ?? null) : null;

function refuseStale({ appInstanceId, annotationRevision }: InstanceRecord, { revision }: Annotation): void {
  if (revision === undefined || revision === annotationRevision) return;
  throw new RuntimeError('CONFLICT', {
    what: `the annotations of ${appInstanceId} have the revision ${annotationRevision}, not ${revision}`,
    next: 'read them again with getInfo, and decide anew',
    details: { revision: annotationRevision },
  });
}

function stepTo(
  { annotations, annotationRevision, appInstanceId }: InstanceRecord,
  { key, value, by }: Annotation,
): Step {
  const others = Object.entries(annotations).filter(([name]) => name !== key);
  if (value !== null && others.length >= MAX_ANNOTATIONS) {
    throw new RuntimeError('NO_SPACE', {
      what: `${appInstanceId} has ${MAX_ANNOTATIONS} annotations already`,
      next: 'remove one of them first',
    });
  }
  const revision = annotationRevision + 1;
  return {
    // fromEntries makes own members of every name, __proto__ too
    record: {
      annotations: Object.fromEntries(value === null ? others : [...others, [key, value]]),
      annotationRevision: revision,
    },
    after: [{ type: 'annotated', key, value, revision }],
    by,
  };
}
