/** An app from a form, with what would become of it beside. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { RuntimeError } from '../../client/browser.ts';
import { announce } from './announce.ts';
import { Fault } from './actions.tsx';
import { refreshApps } from './apps.ts';
import { Choice } from './parts.tsx';
import { go, linkTo } from './route.ts';
import { change, draft, keepDraft, missingIn, orderOf, type Draft } from './run-draft.ts';
import { manager, phase } from './session.ts';
import { SpecBeside } from './spec-beside.tsx';

export function RunView() {
  const [fault, setFault] = useState<RuntimeError>();
  const [isBusy, setBusy] = useState(false);
  const missing = missingIn(draft.value);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (isBusy || missing !== undefined) return;
    setBusy(true);
    setFault(undefined);
    run()
      .catch((error: unknown) => setFault(RuntimeError.of(error)))
      .finally(() => setBusy(false));
  };
  return (
    <section class="page run" aria-label="Run an app">
      <h2>Run an app</h2>
      <div class="beside">
        <form onSubmit={submit}>
          <Fields />
          <div class="actions">
            <button
              type="submit"
              class="main"
              aria-disabled={missing !== undefined || phase.value !== 'live'}
              aria-busy={isBusy}
            >
              Run
            </button>
            <span class="soft" role="status">
              {isBusy ? 'It is being started…' : missing}
            </span>
          </div>
          {fault !== undefined && <Fault error={fault} onClose={() => setFault(undefined)} />}
        </form>
        <SpecBeside />
      </div>
    </section>
  );
}

async function run(): Promise<void> {
  const { appInstanceId } = await manager().run(orderOf(draft.value));
  keepDraft(appInstanceId);
  announce(`${appInstanceId} runs`);
  await refreshApps();
  go(linkTo(appInstanceId));
}

const PLACES: Readonly<Record<Exclude<Draft['source'], 'host'>, string>> = {
  image: 'oci:/srv/apps/clock',
  bundle: '/srv/bundles/clock',
  dir: '/srv/rootfs/clock',
};

function Fields() {
  const { source } = draft.value;
  return (
    <>
      <div class="pair">
        <Text name="appId" label="App" example="com.example.clock" />
        <Text name="instance" label="Instance" example="made by the daemon" />
      </div>
      <Field label="Its files" isGroup>
        <Choice
          label="Its files"
          value={source}
          options={[
            ['host', 'This device’s own'],
            ['image', 'Image'],
            ['bundle', 'Bundle'],
            ['dir', 'Directory'],
          ]}
          onChoose={(value) => change({ source: value })}
        />
      </Field>
      {source !== 'host' && <Text name="place" label="Where they are" example={PLACES[source]} />}
      <Text name="command" label="Command" example={'sh -c "while :; do date; sleep 1; done"'} />
      <div class="pair">
        <Text name="memory" label="Memory at most" example="64M" />
        <Text name="cpus" label="Cores at most" example="0.5" />
      </div>
      <Choices />
      <div class="pair">
        <Text name="ports" label="Ports (host:app)" example="8080:80" />
        <Text name="display" label="Display" example="1280x720" />
      </div>
      <Field label="Variables, one a line">
        <textarea
          rows={3}
          placeholder="TZ=UTC"
          value={draft.value.env}
          onInput={({ currentTarget }) => change({ env: currentTarget.value })}
        />
      </Field>
    </>
  );
}

function Choices() {
  const { network, restart, hibernation } = draft.value;
  return (
    <div class="pair">
      <Field label="Network" isGroup>
        <Choice
          label="Network"
          value={network}
          options={[
            ['none', 'None'],
            ['nat', 'Its own'],
            ['host', 'The device’s'],
          ]}
          onChoose={(value) => change({ network: value })}
        />
      </Field>
      <Field label="Start again" isGroup>
        <Choice
          label="Start again"
          value={restart}
          options={[
            ['never', 'Never'],
            ['on-failure', 'On failure'],
            ['always', 'Always'],
          ]}
          onChoose={(value) => change({ restart: value })}
        />
      </Field>
      <Field label="Hibernation" isGroup>
        <Choice
          label="Hibernation"
          value={hibernation}
          options={[
            ['on', 'Prepared'],
            ['off', 'Off'],
          ]}
          onChoose={(value) => change({ hibernation: value })}
        />
      </Field>
    </div>
  );
}

type TextName = 'appId' | 'instance' | 'place' | 'command' | 'memory' | 'cpus' | 'ports' | 'display';
type TextProps = { readonly name: TextName; readonly label: string; readonly example: string };

const Text = ({ name, label, example }: TextProps) => (
  <Field label={label}>
    <input
      type="text"
      name={name}
      placeholder={example}
      autoComplete="off"
      spellcheck={false}
      value={draft.value[name]}
      onInput={({ currentTarget }) => change({ [name]: currentTarget.value })}
    />
  </Field>
);

type FieldProps = { readonly label: string; readonly isGroup?: boolean; readonly children: ComponentChildren };

/** A group of buttons has its own label. */
const Field = ({ label, isGroup = false, children }: FieldProps) =>
  isGroup ? (
    <div class="field">
      <span>{label}</span>
      {children}
    </div>
  ) : (
    <label class="field">
      <span>{label}</span>
      {children}
    </label>
  );
