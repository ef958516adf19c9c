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
