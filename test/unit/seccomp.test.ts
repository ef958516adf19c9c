import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seccomp } from '../../src/spec/seccomp.ts';
import { SYSTEM_CALLS } from '../../src/spec/system-calls.ts';

const names = new Set(SYSTEM_CALLS);

test('no name is on the list twice, and each is a name', () => {
  assert.equal(names.size, SYSTEM_CALLS.length);
  assert.ok(SYSTEM_CALLS.every((name) => /^[a-z0-9_]+$/.test(name)));
});

test('what could open the cage is not on the list', () => {
  const forbidden =
    'mount umount2 pivot_root chroot setns unshare clone clone3 fsopen fsconfig fsmount fspick open_tree move_mount ' +
    'mount_setattr init_module finit_module delete_module kexec_load kexec_file_load bpf perf_event_open userfaultfd ' +
    'add_key keyctl request_key reboot swapon swapoff settimeofday clock_settime open_by_handle_at quotactl acct ' +
    'iopl ioperm syslog io_uring_setup io_uring_enter io_uring_register socket socketpair personality modify_ldt ' +
    'fanotify_init lookup_dcookie vhangup sethostname setdomainname';
  for (const name of forbidden.split(' ')) assert.ok(!names.has(name), name);
});

test('what modern programs ask for is on the list', () => {
  const wanted =
    'openat2 faccessat2 rseq membarrier landlock_restrict_self futex_waitv memfd_create pidfd_open close_range ' +
    'epoll_pwait2 cachestat fchmodat2 mseal map_shadow_stack futex_wake futex_wait futex_requeue copy_file_range';
  for (const name of wanted.split(' ')) assert.ok(names.has(name), name);
});

test('everything else is EPERM, for the native architecture only', () => {
  const x64 = seccomp('x64');
  assert.equal(x64.defaultAction, 'SCMP_ACT_ERRNO');
  assert.equal(x64.defaultErrnoRet, 1);
  assert.deepEqual(x64.architectures, ['SCMP_ARCH_X86_64']);
  assert.deepEqual(seccomp('arm64').architectures, ['SCMP_ARCH_AARCH64']);
});

test('a new process may have no new namespace, and clone3 is as on an old kernel', () => {
  const { syscalls } = seccomp('x64');
  const clone = syscalls.find((rule) => rule.names.includes('clone'));
  const mask = clone?.args?.[0]?.value ?? 0;
  // CLONE_NEW: NS, CGROUP, UTS, IPC, USER, PID, NET
  for (const bit of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
    assert.ok((mask & bit) !== 0);
  }
  // CLONE_VM … CLONE_IO of a thread
  assert.equal(mask & 0x3d0f00, 0);
  assert.equal(syscalls.find((rule) => rule.names.includes('clone3'))?.errnoRet, 38);
});

test('the rules are few: every start compiles them', () => {
  assert.ok(seccomp('x64').syscalls.length <= 16);
});
