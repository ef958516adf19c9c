/** What a restore depends on, read from the kernel. */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Machine } from './fit.ts';

export function readMachine(criu: string): Machine {
  return {
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    kernelRelease: release(),
    cpuFlags: flagsOf(readFileSync('/proc/cpuinfo', 'latin1')),
    criu,
  };
}

/** What all CPUs have in common: an app may be woken on any of them, and big and little cores can differ. */
export function flagsOf(cpuInfo: string): readonly string[] {
  const lines = [...cpuInfo.matchAll(/^(?:flags|Features)[^:\n]*:(.*)$/gm)].map((line) => (line[1] ?? '').trim());
  const [first = [], ...others] = [...new Set(lines)].map((line) => line.split(/\s+/).filter(Boolean));
  return first.filter((flag) => others.every((flags) => flags.includes(flag))).sort();
}
