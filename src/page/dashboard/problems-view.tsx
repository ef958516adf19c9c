/** What needs somebody: what is wrong, why, and the command that mends it. */
import type { Problem } from '../../domain/health.ts';
import { isAlive } from '../../domain/states.ts';
import { appOf } from './apps.ts';
import { commandsIn } from './command-words.ts';
import { health, keyOf, problems, putAside } from './health.ts';
import { CommandLine, moment } from './parts.tsx';
import { linkTo } from './route.ts';

export function ProblemsView() {
  return (
    <section class="page" aria-label="Problems">
      <h2>Problems</h2>
      {problems.value.length === 0 ? (
        <p class="empty">{health.value === undefined ? 'Asking the daemon…' : 'Nothing needs you.'}</p>
      ) : (
        <ProblemList problems={problems.value} />
      )}
      <p class="soft">What only an examination of the device finds (tools, kernel, a real dump and restore):</p>
      <CommandLine text="runtimectl doctor" />
    </section>
  );
}

export const ProblemList = ({ problems: shown }: { readonly problems: readonly Problem[] }) => (
  <ul class="problems">
    {shown.map((problem) => (
      <ProblemItem key={keyOf(problem)} problem={problem} />
    ))}
  </ul>
);

function ProblemItem({ problem }: { readonly problem: Problem }) {
  const { code, state, appId, appInstanceId, what, why, next, since } = problem;
  const names = [appInstanceId, appId].filter((name) => name !== null);
  const isGone = appInstanceId !== null && !isAlive(appOf(appInstanceId)?.state ?? 'TERMINATED');
  // limits are those of a living one: they do not mend what has ended
  const commands = commandsIn(next, names).filter((command) => !(isGone && command.startsWith('runtimectl limits ')));
  return (
    <li class={state} data-problem={keyOf(problem)}>
      <header>
        {appInstanceId === null ? <b>The device</b> : <a href={linkTo(appInstanceId, 'history')}>{appInstanceId}</a>}
        <small>{code}</small>
        <time {...(since !== null && { dateTime: since })}>{since === null ? '' : moment(since)}</time>
        <button
          type="button"
          class="quiet"
          onClick={() => putAside(problem)}
          aria-label={`Put aside: ${appInstanceId ?? 'the device'} ${what}`}
        >
          Put aside
        </button>
      </header>
      <p>
        <b>{what}</b>
      </p>
      <p class="soft">{why}</p>
      <p class="next">{next}</p>
      {commands.map((text) => (
        <CommandLine key={text} text={text} />
      ))}
    </li>
  );
}
