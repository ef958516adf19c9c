/** Mount points in or below a directory, deepest first, from the text of /proc/self/mountinfo (octal escapes: proc(5)). */
export function mountsBelow(directory: string, mountInfo: string): readonly string[] {
  const start = directory === '/' ? '/' : `${directory}/`;
  return mountInfo
    .split('\n')
    .map((line) => unescapeOctal(line.split(' ')[4] ?? ''))
    .filter((mountPoint) => mountPoint === directory || mountPoint.startsWith(start))
    .sort((one, other) => other.length - one.length);
}

const unescapeOctal = (text: string): string =>
  text.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

export type Mount = {
  readonly mountPoint: string;
  /** Of the mount and of its file system: `ro`, `noexec`, … */
  readonly options: readonly string[];
};

/** What is mounted where this path (real, absolute) lies; the last line of the deepest mount point lies over the others. */
export function mountOf(path: string, mountInfo: string): Mount | undefined {
  const above = mountInfo.split('\n').flatMap((line) => {
    const [mine = '', fileSystem = ''] = line.split(' - ');
    const [, , , , point, options = ''] = mine.split(' ');
    if (point === undefined) return [];
    const mountPoint = unescapeOctal(point);
    const start = mountPoint === '/' ? '/' : `${mountPoint}/`;
    if (!`${path}/`.startsWith(start)) return [];
    return [{ mountPoint, options: [...options.split(','), ...(fileSystem.split(' ')[2] ?? '').split(',')] }];
  });
  return above.reduce<Mount | undefined>(
    (best, one) => (best === undefined || one.mountPoint.length >= best.mountPoint.length ? one : best),
    undefined,
  );
}
