/** What needs somebody: what happened, why, and the command that mends it. */
import { computed, signal } from '@preact/signals';
import { recent } from './feed.ts';
import { CommandLine, moment } from './parts.tsx';
import { problemsOf, type Problem } from './problems.ts';
import { linkTo } from './route.ts';

/** By key, the number of the event that was put aside: a later one of the kind is shown again. */
const aside = signal<ReadonlyMap<string, number>>(new Map());

export const problems = computed(() =>
  problemsOf(recent.value).filter(({ key, seq }) => (aside.value.get(key) ?? 0) < seq),
);

export function ProblemsView() {
  return (
    <section class="page" aria-label="Problems">
      <h2>Problems</h2>
      {problems.value.length === 0 ? (
        <p class="empty">Nothing needs you.</p>
      ) : (
        <ul class="problems">
          {problems.value.map((problem) => (
            <ProblemItem key={problem.key} problem={problem} />
          ))}
        </ul>
      )}
    </section>
  );
}

export function ProblemItem({ problem }: { readonly problem: Problem }) {
  const { key, seq, time, appInstanceId, what, why, next, mend } = problem;
  const putAside = (): void => {
    aside.value = new Map([...aside.value, [key, seq]]);
  };
  return (
    <li data-problem={key}>
      <header>
        <a href={linkTo(appInstanceId, 'history')}>{appInstanceId}</a>
        <time dateTime={time}>{moment(time)}</time>
        <button type="button" class="quiet" onClick={putAside} aria-label={`Put aside: ${appInstanceId} ${what}`}>
          Put aside
        </button>
      </header>
      <p>
        <b>{what}</b>
      </p>
      {why !== undefined && <p class="soft">{why}</p>}
      {next !== undefined && <p class="next">{next}</p>}
      {mend.map((text) => (
        <CommandLine key={text} text={text} />
      ))}
    </li>
  );
}
