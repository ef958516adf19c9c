/**
 * Becomes a helper that is held: perl-base is on every Debian and makes any system call by number, so this is one exec, not a chain of
 * tools (decision 0176). What cannot be taken away ends it with `cannot be confined: STEP: reason`, before the helper begins; a kernel
 * without Landlock is the only exception.
 *
 * Arguments: numbers of prctl, prlimit64, unshare, setgroups, setresgid, setresuid, openat; then words `name=value`, `--`, the command line.
 * `join`: a file cgroup.procs. `oom`: oom_score_adj. `limit`: resource:bytes. `net`: no network but its own. `caps`: the capabilities
 * that stay, by number. `ids`: uid:gid. `parent`: ends with this process. `read`, `write`: a path that it may read below, or
 * change below, besides what lies next to the directories of PATH; `rest`: it may read everything. `filter`: BPF, hexadecimal. `env`: a variable; all others go.
 *
 * The order matters: files are opened while it is still root; a change of user clears PR_SET_PDEATHSIG (prctl(2)); the filter is last.
 * The AppArmor profile of the
 * package is taken on where it is loaded. Landlock is told what it knows by the kernel's version of it. Sources: linux/landlock.h, linux/prctl.h, linux/capability.h.
 */
export const CONFINE = String.raw`
use strict;
my ($prctl, $prlimit, $unshare, $setgroups, $setgid, $setuid, $openat) = map { $_ + 0 } splice @ARGV, 0, 7;
my (%one, %all);
while (@ARGV) { my $word = shift @ARGV; last if $word eq '--'; my ($name, $value) = split /=/, $word, 2; $one{$name} = $value; push @{ $all{$name} }, $value }
sub must { my ($step, $result) = @_; return $result if $result >= 0; die "cannot be confined: $step: $!\n" }
sub put { my ($file, $text) = @_; my $to; open($to, '>', $file) and defined syswrite($to, $text) or die "cannot be confined: $file: $!\n" }
put($_, $$) for @{ $all{join} || [] };
# less than it has takes CAP_SYS_RESOURCE (proc(5)), and is not wanted
if (defined $one{oom}) { my $score = '/proc/self/oom_score_adj'; open(my $now, '<', $score) or die "cannot be confined: $score: $!\n"; put($score, $one{oom}) if <$now> < $one{oom} }
for (@{ $all{limit} || [] }) { my ($what, $most) = split /:/; my $new = pack 'QQ', $most, $most; must('limit', syscall($prlimit, 0, $what + 0, $new, 0)) }
must('namespaces', syscall($unshare, 0x48000000)) if $one{net};
my $rules = -1;
if ($all{write} || $all{read}) {
  my $version = syscall(444, 0, 0, 1);
  if ($version > 1) {
    my $change = 0x1ff2 | 0x2000 | ($version > 2 ? 0x4000 : 0);
    my $held = $one{rest} ? $change : $change | 0xd;
    my ($size, $attributes) = ($version > 5 ? 24 : $version > 3 ? 16 : 8, pack 'QQQ', $held, $one{net} && $version > 3 ? 3 : 0, $version > 5 ? 3 : 0);
    $rules = must('landlock', syscall(444, $attributes, $size, 0));
    my $rule = sub { my ($path, $access) = @_; my $fd = syscall($openat, -100, $path, 012000000);
      return if $fd < 0; open(my $found, '<&=', $fd); $access &= 0x4007 if !-d $found; $access &= $held;
      my $beneath = pack 'Ql', $access, $fd; must("landlock $path", syscall(445, $rules, 1, $beneath, 0)) if $access };
    $rule->($_, 0xd) for @{ $all{read} || [] }, map { m{^(/.+)/[^/]+$} ? $1 : $_ } split /:/, $ENV{PATH} // '';
    $rule->($_, 0xd | $change) for @{ $all{write} || [] };
  } }
if (open(my $profile, '>', '/proc/self/attr/apparmor/exec')) { syswrite $profile, 'exec runtime-manager-helper' }
if (defined $one{caps}) { my %stay = map { $_ => 1 } split /,/, $one{caps};
  for (my $cap = 0; $cap < 64; $cap++) { next if $stay{$cap}; last if syscall($prctl, 24, $cap, 0, 0, 0) < 0 } }
if (defined $one{ids}) { my ($uid, $gid) = map { $_ + 0 } split /:/, $one{ids};
  must('groups', syscall($setgroups, 0, 0)); must('group', syscall($setgid, $gid, $gid, $gid)); must('user', syscall($setuid, $uid, $uid, $uid)) }
if (defined $one{parent}) { must('parent', syscall($prctl, 1, 9, 0, 0, 0)); exit 1 if getppid != $one{parent} }
must('privileges', syscall($prctl, 38, 1, 0, 0, 0));
must('landlock', syscall(446, $rules, 0)) if $rules >= 0;
if ($all{env}) { %ENV = map { split /=/, $_, 2 } @{ $all{env} } }
if (defined $one{filter}) { my $steps = pack 'H*', $one{filter}; my $program = pack 'S x6 P', length($steps) / 8, $steps; must('filter', syscall($prctl, 22, 2, $program, 0, 0)) }
exec { $ARGV[0] } @ARGV or die "failed to execute $ARGV[0]: $!\n";`;
