/** What is wrong with data from outside, member by member, in words for the person who wrote it. */
import type * as z from 'zod';

type Issue = z.core.$ZodIssue;

export type Fault = {
  /** As programs walk there. */
  readonly keys: readonly PropertyKey[];
  /** `app.mounts[0].source`, safe to print; empty for the whole. */
  readonly path: string;
  /** `must be an absolute path`: goes on where the path ends. */
  readonly expected: string;
};

const MAX_FAULTS = 20;
const MAX_PATH_LENGTH = 200;

/** The first twenty; never empty for an error of zod's. */
export const faultsOf = ({ issues }: { readonly issues: readonly Issue[] }): readonly Fault[] =>
  // every issue has at least one, so no more of them are looked at
  issues
    .slice(0, MAX_FAULTS)
    .flatMap((issue) => faultsOfIssue(issue))
    .slice(0, MAX_FAULTS);

function faultsOfIssue(issue: Issue, base: readonly PropertyKey[] = []): readonly Fault[] {
  const keys = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, MAX_FAULTS).map((key) => faultAt([...keys, key], 'is not a known member'));
  }
  if (issue.code === 'invalid_union') {
    const meant = meantBranch(issue.errors);
    if (meant !== undefined) return meant.slice(0, MAX_FAULTS).flatMap((inner) => faultsOfIssue(inner, keys));
  }
  return [faultAt(keys, expectation(issue))];
}

const faultAt = (keys: readonly PropertyKey[], expected: string): Fault => ({ keys, path: pathText(keys), expected });

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

function pathText(keys: readonly PropertyKey[]): string {
  const text = keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${printable(String(key).slice(0, MAX_PATH_LENGTH))}`))
    .join('')
    .replace(/^\./, '');
  return text.length > MAX_PATH_LENGTH ? `${text.slice(0, MAX_PATH_LENGTH)}…` : text;
}

/** Keys come from outside: nothing of them may move a cursor or begin a new line in a log. */
const printable = (key: string): string => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key));
