/** The forms of results about the apps' storage on the wire. */
import * as z from 'zod';

const text = z.string();
const count = z.int().min(0);

export const storageForm = z.strictObject({
  ...{ appId: text, uid: count, path: text, inUse: z.boolean(), usedBytes: count, limitBytes: count.nullable() },
});

export const repairForm = z.strictObject({
  ...{ appId: text, file: text.nullable(), repaired: z.boolean(), changes: z.array(text), changeCount: count },
  salvaged: z.array(z.strictObject({ path: text, sizeBytes: count })),
  undoFile: text.nullable(),
});
