/** Limits of an app that runs, as callers change them. */
import * as z from 'zod';
import { limits as limitsSchema } from './app.ts';

const { memoryBytes, cpus, pids, cpuShares, cores, ioWeight } = limitsSchema.shape;
/** Parameters of `setLimits`: null takes a limit away, what is absent stays. */
export const setLimits = z
  .strictObject({
    appInstanceId: z.string(),
    memoryBytes: memoryBytes.unwrap().nullable().optional(),
    /** Cores' worth of time. */
    cpus: cpus.unwrap().nullable().optional(),
    /** Processes and threads at once. */
    pids: pids.unwrap().nullable().optional(),
    /** Of the processor when others want it too. */
    cpuShares: cpuShares.unwrap().nullable().optional(),
    /** Cores that it may run on. */
    cores: cores.unwrap().nullable().optional(),
    /** Of the disks when others want them too. */
    ioWeight: ioWeight.unwrap().nullable().optional(),
  })
  .refine(
    ({ appInstanceId: _, ...limits }) => Object.values(limits).some((one) => one !== undefined),
    'has no limit to set',
  );
