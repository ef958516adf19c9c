/** What the daemon would make of the form now, without doing it. */
import { useEffect, useState } from 'preact/hooks';
import { RuntimeError } from '../../client/browser.ts';
import type { ExplainedField, GeneratedSpec } from '../../domain/spec.ts';
import { Fault } from './actions.tsx';
import { Choice, Panel } from './parts.tsx';
import { draft, missingIn, orderOf } from './run-draft.ts';
import { manager, phase } from './session.ts';

/** So long after the last key. */
const SETTLE_MS = 300;

type Form = 'fields' | 'oci' | 'dobby';
type Answer = { readonly spec?: GeneratedSpec; readonly fault?: RuntimeError };

export function SpecBeside() {
  const [form, setForm] = useState<Form>('fields');
  const answer = useSpec(form);
  return (
    <Panel
      title="What would become of it"
      class="spec"
      aside={
        <Choice
          label="Form of the specification"
          value={form}
          options={[
            ['fields', 'Who says what'],
            ['oci', 'OCI'],
            ['dobby', 'Dobby'],
          ]}
          onChoose={setForm}
        />
      }
    >
      {answer.fault !== undefined && <Fault error={answer.fault} />}
      {answer.spec === undefined && answer.fault === undefined && (
        <p class="soft">A dry run, as soon as the form says enough: nothing is started or kept.</p>
      )}
      {answer.spec !== undefined && <Spec form={form} spec={answer.spec} />}
    </Panel>
  );
}

function useSpec(form: Form): Answer {
  const [answer, setAnswer] = useState<Answer>({});
  const now = draft.value;
  const isConnected = phase.value === 'live';
  useEffect(() => {
    if (missingIn(now) !== undefined || !isConnected) {
      setAnswer({});
      return undefined;
    }
    let isOver = false;
    const tell = (told: Answer): void => {
      if (!isOver) setAnswer(told);
    };
    const timer = setTimeout(() => {
      ask(form).then(
        (spec) => tell({ spec }),
        (error: unknown) => tell({ fault: RuntimeError.of(error) }),
      );
    }, SETTLE_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [now, form, isConnected]);
  return answer;
}

const ask = async (form: Form): Promise<GeneratedSpec> =>
  manager().generateSpec({
    ...orderOf(draft.value),
    format: form === 'dobby' ? 'dobby' : 'oci',
    explain: form === 'fields',
  });

function Spec({ form, spec: { spec, fields, ignored } }: { readonly form: Form; readonly spec: GeneratedSpec }) {
  return (
    <>
      {ignored.length > 0 && <p class="next">Changes nothing here: {ignored.join(', ')}</p>}
      <div class="sheet" tabIndex={0} data-stop="scroll" role="region" aria-label="Specification">
        {form === 'fields' && fields !== undefined ? (
          <Fields fields={fields} />
        ) : (
          <pre>{JSON.stringify(spec, null, 2)}</pre>
        )}
      </div>
    </>
  );
}

/** What was said in the form first; what always holds last. */
const rankOf = ({ layer, by }: ExplainedField): number => (by?.startsWith('app.') ? 0 : layer === 'default' ? 2 : 1);

function Fields({ fields }: { readonly fields: readonly ExplainedField[] }) {
  const sorted = fields.toSorted((a, b) => rankOf(a) - rankOf(b));
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Value</th>
          <th scope="col">Said by</th>
        </tr>
      </thead>
      <tbody>
        {sorted.map(({ path, value, layer, by }) => (
          <tr key={path} class={layer}>
            <td>{path}</td>
            <td>{typeof value === 'string' ? value : JSON.stringify(value)}</td>
            <td>{by ?? layer}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
