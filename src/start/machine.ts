/** What this machine is, as far as the containers are concerned. */
import { existsSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { countsSwap } from '../adapters/cgroup/hierarchies.ts';
import { noInit } from '../adapters/inside/inside-directories.ts';
import { findTool } from '../adapters/process/find-tool.ts';

export type MachineFacts = {
  /** tini-static, process 1 of every container. */
  readonly init: string;
  readonly architecture: 'x64' | 'arm64';
  /** Of the apps: at least the daemon's own (lowering it takes a privilege), never below 0. */
  readonly oomScoreAdj: number;
  readonly bootId: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Whether the kernel counts what apps swap. */
  readonly countsSwap: boolean;
};

/** `copy`: of tini-static, which an earlier daemon made. Throws ENGINE_UNAVAILABLE, where no app could be left running. */
export function machineFacts(
  searchPath: string,
  { copy, hasApps }: { readonly copy: string; readonly hasApps: boolean },
): MachineFacts {
  const init = findTool('tini-static', searchPath) ?? copy;
  if (init === copy && !existsSync(copy) && !hasApps) {
    throw noInit();
  }
  return {
    init,
    architecture: process.arch === 'arm64' ? 'arm64' : 'x64',
    oomScoreAdj: Math.max(0, Number(readFileSync('/proc/self/oom_score_adj', 'utf8'))),
    cores: cpus().length,
    memoryBytes: totalmem(),
    countsSwap: countsSwap(readFileSync('/proc/self/mountinfo', 'utf8')),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  };
}
