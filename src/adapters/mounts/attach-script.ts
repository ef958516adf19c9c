/**
 * The one step that Node cannot do: system calls of mount_setattr(2)'s family. Perl is there on every Debian (perl-base is essential)
 * and makes any system call by number; nothing is loaded or run from the app's root file system, in which it works as root.
 *
 * Arguments: numbers of setns, fchdir, umount2, prctl; our own pid, without which it does nothing more (PR_SET_PDEATHSIG): the next daemon
 * must find what is, not what is still to come; pid and start time (proc(5), stat) of the app's first process; `mount` or `unmount`; the
 * destination; for a mount the source, and 1 for read-only. Exit 9: refused, with `step errno message` on stdout.
 *
 * mount: open_tree(OPEN_TREE_CLONE) copies the mount of the source alone, out here; mount_setattr makes it nosuid, nodev and private;
 * then setns into the app's mount namespace, whose root is then ours; openat2(RESOLVE_IN_ROOT, no links of any kind) finds the
 * destination, which the app may be exchanging at this moment: so it is looked at once more after move_mount, and a mount that is
 * not where it should be is taken away again by its own descriptor. No path of the app's is looked up before setns.
 * unmount: without MNT_DETACH, so that one in use stays. A descriptor of the mount itself would count as a use: its parent is held.
 * Numbers above 423 are the same on every architecture. Sources: linux/mount.h, linux/openat2.h, asm-generic/unistd.h.
 */
export const ATTACH = String.raw`
my ($setns, $fchdir, $umount2, $prctl, $parent, $pid, $start, $deed, $target, $source, $readonly) = @ARGV;
sub fail { my ($step, $error) = (@_, $!); printf('%s %d %s', $step, $error + 0, $error); exit 9 }
sub seen { open(my $file, '<&', $_[0]) or fail('identity'); my @of = stat $file; (join(':', @of[0, 1]), -d _ ? 1 : 0) }
my $mount = $deed eq 'mount';
syscall($prctl + 0, 1, 9);
exit 1 if getppid != $parent;
# no literals: perl takes an argument of syscall for something that is written to
my ($descriptors, $self, $tree) = ('/proc/self/fd', '');
my $own = syscall(428, -100, $descriptors, 02000000);
if ($mount) {
  $tree = syscall(428, -100, $source, 1 | 02000000);
  fail('source') if $tree < 0;
  my $attributes = pack('Q4', 2 | 4 | ($readonly ? 1 : 0), 0, 1 << 18, 0);
  syscall(442, $tree, $self, 0x1000, $attributes, length $attributes) == 0 or fail('attributes');
}
open(my $namespace, '<', "/proc/$pid/ns/mnt") or fail('process');
open(my $stat, '<', "/proc/$pid/stat") or fail('process');
(split ' ', (<$stat> =~ /.*\) (.*)/s)[0])[19] eq $start or fail('process');
syscall($setns + 0, fileno $namespace, 0x20000) == 0 or fail('namespace');
my $how = pack('Q3', 010000000 | 02000000, 0, 0x10 | 0x04 | 0x02);
sub place { my $path = $_[0]; my $fd = syscall(437, -100, $path, $how, length $how); fail('destination') if $fd < 0; $fd }
if ($mount) {
  my $there = place($target);
  my ($identity, $directory) = seen($tree);
  if ((seen($there))[1] != $directory) { $! = 20; fail('move') }
  syscall(429, $tree, $self, $there, $self, 0x04 | 0x40) == 0 or fail('move');
  my $now = syscall(437, -100, $target, $how, length $how);
  exit 0 if $now >= 0 && (seen($now))[0] eq $identity;
  syscall($fchdir + 0, $own);
  my $number = "$tree";
  syscall($umount2 + 0, $number, 2);
  $! = 0;
  fail('moved');
}
my ($directory, $name) = $target =~ m{^(.*)/([^/]+)$};
syscall($fchdir + 0, place($directory eq '' ? '/' : $directory)) == 0 or fail('destination');
syscall($umount2 + 0, $name, 8) == 0 or fail('unmount');
`;
