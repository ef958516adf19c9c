/** Where a host tool is. */
import { accessSync, constants, statSync } from 'node:fs';

/** The first executable of this name; undefined when there is none. */
export function findTool(name: string, searchPath: string): string | undefined {
  return searchPath
    .split(':')
    .filter(Boolean)
    .map((directory) => `${directory}/${name}`)
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Changes whenever the file is another one. */
export function fingerprint(path: string): string {
  const { size, mtimeMs, ino } = statSync(path);
  return `${path}:${size}:${mtimeMs}:${ino}`;
}
