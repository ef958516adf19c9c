/**
 * What a package asks of the device, as RDK writes it: `name` or `name=value`, with commas between. A backslash takes the next
 * character as it is. The text is split twice (`,`, then the first `=`; a third time, by `:`, for extramounts), and each time
 * one level of backslashes goes: a comma in a value is `\,`, a backslash `\\\\` (facts/thunder.md §5.3). Names are compared
 * without regard to case.
 */
import { RuntimeError } from '../domain/errors.ts';

type Value = 'none' | 'any' | 'JSON' | 'source:destination';
type Row = {
  /** As upstream, a value where none is needed changes nothing. */
  readonly value: Value;
  /** For the documentation. */
  readonly doc: string;
};

const forWindows = (feature: string): Row => ({
  value: 'none',
  doc: `for the window manager, which calls it \`${feature}\`; nothing in the specification`,
});
const service = (level: number): Row => ({
  value: 'none',
  doc: `set menu \`local-services-${level}\` of the device's services`,
});

export const CAPABILITIES = {
  'wan-lan': { value: 'none', doc: 'as `wanLanAccess`' },
  mapi: { value: 'none', doc: 'as `mapi`' },
  'dial-app': { value: 'any', doc: 'as `dial`; its value is the name where `dialId` is empty' },
  thunder: { value: 'none', doc: 'as `thunder`' },
  rialto: { value: 'none', doc: 'media by Rialto: no OpenCDM, no GStreamer registry, no VPU' },
  'runtime-html': { value: 'none', doc: 'variable `WEBKIT_LEGACY_INSPECTOR_SERVER=0.0.0.0:22222`' },
  extramounts: {
    value: 'source:destination',
    doc: 'a bind mount, read-only, if the source is there; may be given several times',
  },
  additionalconfig: {
    value: 'JSON',
    doc: 'laid over the finished Dobby spec: objects are merged, anything else is replaced',
  },
  spec: { value: 'JSON', doc: 'fills what the Dobby spec lacks; `env`, `mounts` and `plugins` are appended' },
  'local-services-1': service(1),
  'local-services-2': service(2),
  'local-services-3': service(3),
  'local-services-4': service(4),
  'local-services-5': service(5),
  'home-app': forWindows('privilegedclient'),
  'issue-notifications': forWindows('overlayenabled'),
  'suspend-mode': forWindows('suspendable'),
  'refresh-rate-60hz': forWindows('60hz'),
  'mediarite-underlay': forWindows('mediarite'),
  'game-controller': forWindows('gamecontrollersupport'),
} as const satisfies Record<string, Row>;

export type CapabilityName = keyof typeof CAPABILITIES;

const ROWS: Readonly<Partial<Record<string, Row>>> = CAPABILITIES;

export type Capabilities = {
  readonly has: (name: CapabilityName) => boolean;
  /** Of the first with this name; empty where it has none. */
  readonly valueOf: (name: CapabilityName) => string | undefined;
  readonly extraMounts: readonly { readonly source: string; readonly destination: string }[];
  /** In the order in which they are laid over the spec. */
  readonly overlays: readonly { readonly name: 'additionalconfig' | 'spec'; readonly content: object }[];
  /** Names that nobody knows; upstream leaves them out, too. */
  readonly unknown: readonly string[];
};

type Item = { readonly name: string; readonly value: string };

/** Throws INVALID_ARGUMENT naming the capability. */
export function readCapabilities(text: string): Capabilities {
  const items = split(text, ',').flatMap((part) => itemOf(part));
  const named = (name: CapabilityName): readonly Item[] => items.filter((item) => item.name === name);
  return {
    has: (name) => named(name).length > 0,
    valueOf: (name) => named(name)[0]?.value,
    extraMounts: named('extramounts').map(mountOf),
    overlays: (['additionalconfig', 'spec'] as const).flatMap((name) =>
      named(name).map(({ value }) => ({ name, content: objectOf(name, value) })),
    ),
    unknown: items.flatMap(({ name }) => (ROWS[name] === undefined ? [name] : [])),
  };
}

function itemOf(part: string): readonly Item[] {
  const [name = '', ...values] = split(part, '=', 2);
  return name.trim() === '' && values.length === 0 ? [] : [{ name: name.trim().toLowerCase(), value: values.join('') }];
}

/** At most `most` parts, so that the last keeps its separators. Every part loses one level of backslashes. */
function split(text: string, separator: string, most = Infinity): readonly string[] {
  const parts = [''];
  const add = (character: string): void => {
    parts.push(`${parts.pop() ?? ''}${character}`);
  };
  let isEscaped = false;
  for (const character of text) {
    if (isEscaped) {
      add(character);
      isEscaped = false;
    } else if (character === '\\') isEscaped = true;
    else if (character === separator && parts.length < most) parts.push('');
    else add(character);
  }
  if (!isEscaped) return parts;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: 'capabilities ends in a backslash that belongs to nothing',
    next: 'write a backslash in a value as four of them',
    details: { member: 'capabilities' },
  });
}

function mountOf({ value }: Item): Capabilities['extraMounts'][number] {
  const parts = split(value, ':');
  const [source = '', destination = ''] = parts;
  const isPath = (path: string): boolean =>
    path.startsWith('/') && !path.split('/').includes('..') && !path.includes('\0');
  if (parts.length === 2 && isPath(source) && isPath(destination)) return { source, destination };
  throw wrong(
    'extramounts',
    `cannot be ${JSON.stringify(value)}`,
    'write extramounts=/source:/destination, both absolute and without ".."',
  );
}

function objectOf(name: CapabilityName, value: string): object {
  const next = `write ${name}= and a JSON object, each comma as \\, and each backslash as four`;
  try {
    const content: unknown = JSON.parse(value);
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content;
  } catch (cause) {
    throw wrong(name, 'is no JSON', next, cause);
  }
  throw wrong(name, 'is no JSON object', next);
}

// eslint-disable-next-line max-params -- what every error of this file says, in the order in which it is said
const wrong = (name: string, why: string, next: string, cause?: unknown): RuntimeError =>
  new RuntimeError('INVALID_ARGUMENT', {
    what: `the capability ${name} ${why}`,
    next,
    details: { member: 'capabilities', capability: name },
    cause,
  });
