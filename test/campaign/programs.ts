/**
 * The apps of the mixed campaign. Each keeps a diary outside of Runtime Manager, in a directory of the test that is mounted at
 * /diary: one line when a run begins and one before it ends by itself. What the daemon reports is compared with that.
 */
import type { AppInput } from '../../src/client/node.ts';
import { perl, shell } from '../lib/apps.ts';
import type { Random } from '../lib/random-numbers.ts';

/** What an app is there to put at risk. */
export type Role = 'short' | 'crash' | 'counter' | 'volume' | 'display' | 'image' | 'network' | 'restarting';

type Program = {
  readonly app: Partial<AppInput> & Pick<AppInput, 'args'>;
  /** Whether hibernate and wake are among the operations that a caller tries. */
  readonly hibernates: boolean;
};

export type Surroundings = {
  /** An OCI image with a shell. */
  readonly image: string;
  /** Whether the daemon may make networks: it has a network namespace of the test's own. */
  readonly networks: boolean;
};

/** The number of a run is made by the app itself, so that no two runs have the same. */
const DIARY =
  '$| = 1; my $run = int(rand(1e9)) . "x" . time; ' +
  'sub note { open my $diary, ">>", "/diary/lines" or die; syswrite $diary, "$run @_\\n"; close $diary } ' +
  'sub nap { select undef, undef, undef, $_[0] } note("begin"); ';

const endWith = (code: number): string => `note("end ${code}"); exit ${code}; `;

/** The same number over and over, so that a damaged block is seen. Replaced whole, as an app with a database does. */
const VOLUME =
  `${DIARY} my $lines = 4000; if (open my $old, "<", "/data/numbers") { my @all = <$old>; chomp @all; ` +
  `my $first = $all[0] // "none"; note("damaged"), exit 99 if @all != $lines || grep { $_ ne $first } @all } ` +
  'for (my $round = int(rand(1e9)); ; $round++) { open my $new, ">", "/data/new" or note("open $!"), nap(0.2), next; ' +
  'my $whole = print $new (sprintf("%012d", $round) . "\\n") x $lines; $whole &&= close $new; ' +
  'rename "/data/new", "/data/numbers" if $whole; nap(0.02) }';

/** Counts in its memory and says so. A woken app goes on counting; another run has another number. */
const COUNTER = `${DIARY} my $memory = "x" x 3_000_000; for (my $count = 1; ; $count++) { open my $out, ">", "/diary/new" or die; print $out "$run $count ", length $memory; close $out; rename "/diary/new", "/diary/count"; nap(0.02) }`;

const UNTIL_TERM = `${DIARY} $SIG{TERM} = sub { exit 0 }; nap(1) while 1`;

const pauseOf = (random: Random): string => (random(400) / 1000).toFixed(3);

/** A new program of this role; its numbers are random. */
export function programOf(role: Role, random: Random, { image }: Surroundings): Program {
  const code = 1 + random(90);
  const pause = pauseOf(random);
  const programs: Readonly<Record<Role, () => Program>> = {
    short: () => ({ app: { args: [...perl(`${DIARY} nap(${pause}); ${endWith(code)}`)] }, hibernates: false }),
    crash: () => ({
      app: { args: [...perl(`${DIARY} nap(${pause}); note("end 137"); kill 9, $$; nap(9) while 1`)] },
      hibernates: false,
    }),
    counter: () => ({ app: { args: [...perl(COUNTER)] }, hibernates: true }),
    volume: () => ({ app: { args: [...perl(VOLUME)], storage: { sizeBytes: 16 * 2 ** 20 } }, hibernates: true }),
    display: () => ({
      app: {
        args: [...perl(UNTIL_TERM)],
        display: { width: 320, height: 240, placement: random(2) === 0 ? 'host' : 'container' },
      },
      hibernates: true,
    }),
    image: () => ({
      app: {
        rootfs: { image },
        args: [
          ...shell(
            `r=$$-$(cat /proc/sys/kernel/random/uuid); echo "$r begin" >>/diary/lines; sleep ${pause}; echo "$r end ${code}" >>/diary/lines; exit ${code}`,
          ),
        ],
      },
      hibernates: false,
    }),
    network: () => ({
      app: { args: [...perl(UNTIL_TERM)], network: 'nat', ports: [{ host: 20_000 + random(20_000), app: 80 }] },
      hibernates: true,
    }),
    restarting: () => ({
      app: {
        args: [...perl(`${DIARY} nap(${pause}); ${endWith(code)}`)],
        restart: { policy: 'on-failure', backoffMs: 50, maxRetries: 3 },
      },
      hibernates: false,
    }),
  };
  return programs[role]();
}
