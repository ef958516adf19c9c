/** What is wrong with parameters, member by member, in words for the person who wrote them. */
import type * as z from 'zod';
import { RuntimeError } from '../domain/errors.ts';

type Issue = z.core.$ZodIssue;
type Member = { readonly path: string; readonly expected: string };

const MAX_MEMBERS = 20;
const MAX_PATH_LENGTH = 200;

/** Parameters of the form the schema asks for. Throws INVALID_ARGUMENT that names each bad member. */
export function readParams<Schema extends z.ZodType>(
  schema: Schema,
  params: unknown,
  method: string,
): z.output<Schema> {
  const outcome = schema.safeParse(params);
  if (outcome.success) return outcome.data;
  const members = outcome.error.issues.flatMap((issue) => membersOf(issue)).slice(0, MAX_MEMBERS);
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `${method}: ${members.map(({ path, expected }) => `${path} ${expected}`).join('; ')}`,
    next: 'correct the parameters; docs/api.md lists them',
    details: { members },
  });
}

function membersOf(issue: Issue, base: readonly PropertyKey[] = []): readonly Member[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: pathText([...path, key]), expected: 'is not a known member' }));
  }
  if (issue.code === 'invalid_union') {
    const meant = meantBranch(issue.errors);
    if (meant !== undefined) return meant.flatMap((inner) => membersOf(inner, path));
  }
  return [{ path: pathText(path), expected: expectation(issue) }];
}

/** The only branch whose members are all there and known, so that its own complaint says more than the list of branches. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const fitting = branches.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 && issue.code !== 'unrecognized_keys' && !isMissing(issue)),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}

function expectation(issue: Issue): string {
  if (isMissing(issue) && issue.code === 'invalid_type') return `is missing (${issue.expected} expected)`;
  const text = issue.message.replace(/^(Invalid input: |Invalid option: )/, '');
  return /^(must|is|has)\b/.test(text) ? text : `is wrong: ${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

/** Issues carry no input (it could be large or secret), but zod's text says when there was none. */
const isMissing = (issue: Issue): boolean => issue.message.endsWith('received undefined');

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'params';
  const text = path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${printable(String(key))}`))
    .join('')
    .replace(/^\./, '');
  return text.length > MAX_PATH_LENGTH ? `${text.slice(0, MAX_PATH_LENGTH)}…` : text;
}

/** Keys come from outside: nothing of them may move a cursor or begin a new line in a log. */
const printable = (key: string): string => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key));
