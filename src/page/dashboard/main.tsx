/** The dashboard: a client of the daemon like any other. */
import { effect } from '@preact/signals';
import { render } from 'preact';
import { keepApps, refreshApps } from './apps.ts';
import { followEvents } from './feed.ts';
import { keepFigures } from './figures.ts';
import { keepHealth, problems } from './health.ts';
import { keepImages } from './images.ts';
import { followAddress, go, route } from './route.ts';
import { begin, onEnter, phase } from './session.ts';
import { Shell } from './shell.tsx';
import { steerByArrows } from './spatial.ts';

/** Who leaves an app is back at its row. */
function keepPlace(): void {
  let before: string | undefined;
  effect(() => {
    const { value } = route;
    const id = value.view === 'apps' ? value.id : undefined;
    const left = value.view === 'apps' && id === undefined ? before : undefined;
    before = id;
    if (left === undefined) return;
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-id="${CSS.escape(left)}"]`)?.focus());
  });
}

// its end is told by the phase
onEnter(() => void followEvents().catch(() => undefined));
effect(() => {
  if (phase.value === 'live') void refreshApps();
});
effect(() => {
  const count = problems.value.length;
  document.title = `${count > 0 ? `(${count}) ` : ''}Runtime Manager`;
});
keepApps();
keepFigures();
keepImages();
keepHealth();
keepPlace();
steerByArrows(() => go('#/'));
render(<Shell />, document.getElementById('page') ?? document.body);
void begin().then(followAddress);
