/** System calls that every app may make, whatever their arguments; 64-bit names of x86_64 and aarch64 (syscalls(2)). */

const FILES = `
  access chdir chmod chown close close_range creat dup dup2 dup3 faccessat faccessat2 fallocate fadvise64 fchdir fchmod
  fchmodat fchmodat2 fchown fchownat fcntl fdatasync file_getattr file_setattr flock fstat fstatfs fsync ftruncate
  futimesat getcwd getdents getdents64 ioctl lchown link linkat listmount lseek lstat mkdir mkdirat mknod mknodat
  name_to_handle_at newfstatat open openat openat2 readahead readlink readlinkat rename renameat renameat2 rmdir stat
  statfs statmount statx symlink symlinkat sync sync_file_range syncfs truncate umask unlink unlinkat utime utimensat
  utimes cachestat`;

const ATTRIBUTES = `
  fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr
  lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat`;

const INPUT_AND_OUTPUT = `
  copy_file_range eventfd eventfd2 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2
  epoll_wait epoll_wait_old inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy
  io_getevents io_pgetevents io_setup io_submit memfd_create pipe pipe2 poll ppoll pread64 preadv preadv2 pselect6
  pwrite64 pwritev pwritev2 read readv select sendfile splice tee vmsplice write writev`;

const SOCKETS = `
  accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg sendmsg
  sendto setsockopt shutdown`;

const MEMORY = `
  brk madvise map_shadow_stack membarrier mincore mlock mlock2 mlockall mmap mprotect mremap mseal msync munlock
  munlockall munmap pkey_alloc pkey_free pkey_mprotect process_madvise process_mrelease remap_file_pages`;

/**
 * ptrace and its kin reach only the app's own processes (one pid namespace, one uid, no capability), cannot get round
 * this filter since Linux 4.8, and crash reporters and debuggers need them.
 */
const PROCESSES = `
  arch_prctl execve execveat exit exit_group fork getpgid getpgrp getpid getppid getpriority getrlimit getrusage getsid
  gettid kcmp kill pidfd_getfd pidfd_open pidfd_send_signal prctl prlimit64 process_vm_readv process_vm_writev ptrace
  rseq set_robust_list get_robust_list set_thread_area get_thread_area set_tid_address setpgid setpriority setrlimit
  setsid tgkill tkill uprobe uretprobe vfork wait4 waitid`;

/** Without capabilities the kernel allows of these what is harmless: an own id instead of the own id. */
const IDENTITY = `
  capget capset getegid geteuid getgid getgroups getresgid getresuid getuid lsm_get_self_attr lsm_list_modules
  lsm_set_self_attr setfsgid setfsuid setgid setgroups setregid setresgid setresuid setreuid setuid`;

const SCHEDULING = `
  futex futex_requeue futex_wait futex_waitv futex_wake getcpu ioprio_get ioprio_set sched_get_priority_max
  sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
  sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield`;

const SIGNALS = `
  pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
  rt_sigtimedwait rt_tgsigqueueinfo sigaltstack signalfd signalfd4`;

/** Clocks can be read; setting one needs a capability that the app does not have. */
const TIME = `
  adjtimex alarm clock_adjtime clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer
  time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
  timerfd_settime times`;

/** Each within the app's own ipc namespace. */
const MESSAGES = `
  mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd semctl semget
  semop semtimedop shmat shmctl shmdt shmget`;

/** An app may lock itself in further. */
const SELF_CONFINEMENT = 'landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp';

const SYSTEM = 'getrandom sysinfo uname';

export const SYSTEM_CALLS: readonly string[] = [
  FILES,
  ATTRIBUTES,
  INPUT_AND_OUTPUT,
  SOCKETS,
  MEMORY,
  PROCESSES,
  IDENTITY,
  SCHEDULING,
  SIGNALS,
  TIME,
  MESSAGES,
  SELF_CONFINEMENT,
  SYSTEM,
]
  .flatMap((names) => names.trim().split(/\s+/))
  .toSorted();
