/** Machines that programs are built for: by the first bytes of an ELF file (elf(5)), and by the names of images (image-spec, GOARCH). */

type Machine = { readonly oci: string; readonly number: number; readonly bits: 32 | 64; readonly bigEndian?: true };

/** Numbers: elf.h, EM_…. */
const MACHINES: readonly Machine[] = [
  { oci: 'amd64', number: 62, bits: 64 },
  { oci: '386', number: 3, bits: 32 },
  { oci: 'arm64', number: 183, bits: 64 },
  { oci: 'arm', number: 40, bits: 32 },
  { oci: 'riscv64', number: 243, bits: 64 },
  { oci: 'loong64', number: 258, bits: 64 },
  { oci: 'ppc64le', number: 21, bits: 64 },
  { oci: 's390x', number: 22, bits: 64, bigEndian: true },
  { oci: 'mips64le', number: 8, bits: 64 },
  { oci: 'mipsle', number: 8, bits: 32 },
  { oci: 'mips', number: 8, bits: 32, bigEndian: true },
];
const EXECUTABLE = 2;
/** What {@link machineOf} and a rule of binfmt_misc read of a program. */
export const ELF_HEADER_BYTES = 20;

/** This machine, as images name it. `architecture`: Node's process.arch. */
export const nativeMachine = (architecture: string): string => (architecture === 'x64' ? 'amd64' : architecture);

export const isElf = (head: Buffer): boolean =>
  head.length >= ELF_HEADER_BYTES && head.toString('latin1', 0, 4) === '\x7fELF';

/** The machine of an ELF file; one that is not in the table by its number. */
export function machineOf(head: Buffer): string {
  const bits = head[4] === 2 ? 64 : 32;
  const bigEndian = head[5] === 2;
  const number = bigEndian ? head.readUInt16BE(18) : head.readUInt16LE(18);
  const found = MACHINES.find(
    (one) => one.number === number && one.bits === bits && (one.bigEndian ?? false) === bigEndian,
  );
  return found?.oci ?? `ELF machine ${number} (${bits} bits)`;
}

/** The beginning of a program for this machine; undefined for a name that is not in the table. */
export function headerFor(oci: string): Buffer | undefined {
  const machine = MACHINES.find((one) => one.oci === oci);
  if (machine === undefined) return undefined;
  const { number, bits, bigEndian = false } = machine;
  const head = Buffer.alloc(ELF_HEADER_BYTES);
  head.write('\x7fELF', 'latin1');
  head.set([bits === 64 ? 2 : 1, bigEndian ? 2 : 1, 1], 4);
  if (bigEndian) head.writeUInt16BE(EXECUTABLE, 16);
  else head.writeUInt16LE(EXECUTABLE, 16);
  if (bigEndian) head.writeUInt16BE(number, 18);
  else head.writeUInt16LE(number, 18);
  return head;
}

/** A rule of binfmt_misc, by the text of its file (Linux Documentation/admin-guide/binfmt-misc.rst). Only rules by magic bytes count. */
export function ruleMatches(rule: string, head: Buffer): boolean {
  if (!rule.startsWith('enabled')) return false;
  const read = (name: string): Buffer | undefined => {
    const hex = new RegExp(`^${name} ([0-9a-f]+)$`, 'm').exec(rule)?.[1];
    return hex === undefined ? undefined : Buffer.from(hex, 'hex');
  };
  const magic = read('magic');
  if (magic === undefined) return false;
  const mask = read('mask');
  const offset = Number(/^offset (\d+)$/m.exec(rule)?.[1] ?? 0);
  return magic.every((byte, at) => {
    const bits = mask?.[at] ?? 0xff;
    return ((head[offset + at] ?? 0) & bits) === (byte & bits);
  });
}
