/** A generated specification, and who said what in it. */

/** Who sets fields; the later wins, but for the overlays of a capability, which win over all (docs/rdk.md). */
export const LAYERS = ['default', 'platform', 'package', 'capability', 'caller'] as const;
export type Layer = (typeof LAYERS)[number];

export type Origin = {
  readonly layer: Layer;
  /** The member, key or lease in that layer, as far as there is one: `app.limits.memoryBytes`, `user id lease`. */
  readonly by: string | null;
};

export const SPEC_FORMATS = ['oci', 'dobby'] as const;
export type SpecFormat = (typeof SPEC_FORMATS)[number];

/** One field of the result; `path` as {@link fieldsOf} writes it. */
export type ExplainedField = Origin & { readonly path: string; readonly value: unknown };

export type GeneratedSpec = {
  readonly format: SpecFormat;
  /** An OCI runtime configuration, or a Dobby spec. */
  readonly spec: object;
  /** What was asked for and changes nothing. */
  readonly ignored: readonly string[];
  /** Only when it was asked for: every field with its layer. */
  readonly fields?: readonly ExplainedField[];
};
