/** The form of `getEngine` on the wire. */
import * as z from 'zod';

const text = z.string();

export const engineForm = z.strictObject({
  ...{ engine: text, runtime: text, at: text.nullable(), answers: z.boolean() },
  ...{ why: text.nullable(), next: text.nullable(), can: z.array(text), cannot: z.array(text) },
  lacks: z.array(z.strictObject({ what: text, why: text, next: text })),
});
