/** Whether an image that was made there can be restored here. Pure. */
import { createHash } from 'node:crypto';

/** What a restore depends on, as it is now. */
export type Machine = {
  /** /proc/sys/kernel/random/boot_id */
  readonly bootId: string;
  /** As `uname -r`. */
  readonly kernelRelease: string;
  /** What every CPU has: `flags` (x86) or `Features` (ARM) of /proc/cpuinfo. */
  readonly cpuFlags: readonly string[];
  /** CRIU's version, for instance `4.2.1`. */
  readonly criu: string;
};

/** The same, of an image. */
export type MadeOn = Omit<Machine, 'bootId'>;

/** Why it does not fit, and what would help. */
export type Misfit = { readonly why: string; readonly next: string };

export function misfits(made: MadeOn, here: Machine): readonly Misfit[] {
  return [
    kernelMisfit(made.kernelRelease, here.kernelRelease),
    cpuMisfit(made.cpuFlags, here.cpuFlags),
    criuMisfit(made.criu, here.criu),
  ].filter((misfit) => misfit !== undefined);
}

/**
 * The same series and not older: a stable update keeps what CRIU saved (vdso, /proc formats, socket options), a step back may lack
 * what the dump relied on, and another series may differ in either direction. Debian counts its updates behind the dash: 6.1.0-18.
 */
export function kernelMisfit(made: string, here: string): Misfit | undefined {
  if (made === here) return undefined;
  const [before, now] = [numbers(made), numbers(here)];
  const series = `${before[0] ?? '?'}.${before[1] ?? '?'}`;
  const next = `boot kernel ${made} again`;
  if (before.length < 2 || before[0] !== now[0] || before[1] !== now[1]) {
    return { why: `it was made on kernel ${made}, and this is ${here}, which is not of the series ${series}`, next };
  }
  if (compare(now, before) >= 0) return undefined;
  return { why: `it was made on kernel ${made}, and this is ${here}, which is older`, next };
}

/** Programs choose their code by the CPU's abilities when they start: what they found must still be there. */
export function cpuMisfit(made: readonly string[], here: readonly string[]): Misfit | undefined {
  const present = new Set(here);
  const lost = made.filter((flag) => !present.has(flag) && !KERNELS_OWN.test(flag));
  if (lost.length === 0) return undefined;
  return {
    why: `the CPU here lacks ${lost.join(', ')}, which the app may be using`,
    next: 'wake it on a CPU that has this, or give this machine back the CPU it had (a hypervisor may hide abilities)',
  };
}

/**
 * Flags by which Linux tells of itself (mitigations, virtualization, clocks, power): a kernel update or a boot parameter changes
 * them, and no program's code depends on them. Source: arch/x86/include/asm/cpufeatures.h, words 3, 7, 8, 11, 14, 15.
 */
const KERNELS_OWN = new RegExp(
  `^(${[
    // mitigations
    'pti|kaiser|ibpb.*|ibrs.*|stibp.*|ssbd|virt_ssbd|retpoline.*|rsb_.*|md_clear|flush_l1d|spec_.*|srso.*|bhi_.*|arch_capabilities',
    // virtualization, as seen by a hypervisor
    'vmx.*|svm.*|ept.*|vpid|npt|nrip_save|vnmi|vgif|avic|x2avic|v_.*|tpr_shadow|flexpriority|vmcb_clean|tsc_scale|pausefilter',
    'pfthreshold|decodeassists|flushbyasid|lbrv|hypervisor',
    // clocks, counters, power, interrupts, paging
    'constant_tsc|nonstop_tsc.*|tsc_.*|aperfmperf|arch_perfmon|arch_lbr|perfctr_.*|rapl|epb|hwp.*|hfi|arat|dtherm|pln|pts|ida|cpb',
    'cqm.*|cat_.*|cdp_.*|mba|rdt_a|bmec|split_lock_detect|bus_lock_detect|debug_swap|acpi|apic|x2apic|extapic|est|tm2?|pbe|pdcm',
    'xtpr|dca|ds_cpl|dtes64|smx|mce|mca|mtrr|pcid|invpcid_single|smep|smap|rep_good|nopl|xtopology|cpuid|cpuid_fault|amd_.*|intel_.*',
  ].join('|')})$`,
);

/** A newer CRIU reads older images; an older one may not know what the newer wrote. Within a minor version both ways work. */
export function criuMisfit(made: string, here: string): Misfit | undefined {
  const [before, now] = [numbers(made).slice(0, 2), numbers(here).slice(0, 2)];
  if (compare(now, before) >= 0) return undefined;
  return {
    why: `it was made by CRIU ${made}, and the one here is ${here}, which is older`,
    next: `install CRIU ${made}`,
  };
}

/** `6.1.0-18-amd64` → 6, 1, 0, 18; `Version: 4.2.1` → 4, 2, 1. */
function numbers(version: string): readonly number[] {
  const match = /(\d+(?:\.\d+)*)(?:-(\d+))?/.exec(version);
  return [...(match?.[1]?.split('.') ?? []), ...(match?.[2] === undefined ? [] : [match[2]])].map(Number);
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (let index = 0; index < Math.max(one.length, other.length); index += 1) {
    const difference = (one[index] ?? 0) - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The same for the same set of flags. */
export const flagsDigest = (flags: readonly string[]): string =>
  createHash('sha256')
    .update([...flags].sort().join(' '))
    .digest('hex');
