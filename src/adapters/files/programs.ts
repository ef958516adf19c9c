/** Which programs this machine's kernel runs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isElf, machineOf, nativeMachine, ruleMatches } from '../../domain/elf.ts';
import { listDirectory } from './list-directory.ts';

const RULES = '/proc/sys/fs/binfmt_misc';

/** The machine that a program is for, when it is not this one and no emulator is registered for it; undefined when it runs. */
export async function foreignMachine(head: Buffer): Promise<string | undefined> {
  if (!isElf(head)) return undefined;
  const machine = machineOf(head);
  if (machine === nativeMachine(process.arch)) return undefined;
  return (await isEmulated(head)) ? undefined : machine;
}

/** By a rule of binfmt_misc, as qemu-user-static registers them. */
async function isEmulated(head: Buffer): Promise<boolean> {
  for (const name of await listDirectory(RULES)) {
    // a rule that was removed in the meantime emulates nothing
    const rule = await readFile(join(RULES, name), 'latin1').catch(() => '');
    if (ruleMatches(rule, head)) return true;
  }
  return false;
}
