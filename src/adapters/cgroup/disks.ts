/** Whether this machine's disks are shared by weight: a weight that no scheduler looks at is a wish. */
import { readdirSync } from 'node:fs';
import { RuntimeError } from '../../domain/errors.ts';
import { readIfThere } from '../files/kernel-file.ts';

/** Mount point of the control groups' hierarchy; /sys/block. */
type Disks = { readonly root: string; readonly disks: string };

/**
 * Throws LIMIT_FAILED. Source: Documentation/block/bfq-iosched.rst (only BFQ reads its weights), admin-guide/cgroup-v2.rst "io.cost.qos" (a file of
 * the root group), for io.weight.
 */
export function refuseIdleWeight(file: string, { root, disks }: Disks): void {
  const schedulers = readdirSync(disks).map((disk) => readIfThere(`${disks}/${disk}/queue/scheduler`) ?? '');
  const isShared = schedulers.some((one) => /\[(bfq|cfq)\]/.test(one)) || (file === 'io.weight' && costs(root));
  if (isShared) return;
  throw new RuntimeError('LIMIT_FAILED', {
    what: 'ioWeight could not be put in force: no disk of this machine is shared by weight',
    next: 'leave it out, or choose the scheduler: echo bfq > /sys/block/DISK/queue/scheduler',
    details: { limit: 'ioWeight' },
  });
}

const costs = (root: string): boolean => (readIfThere(`${root}/io.cost.qos`) ?? '').includes('enable=1');
