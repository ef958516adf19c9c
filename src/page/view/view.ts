/** The page at /view/<appInstanceId>. */
import { viewedAt } from '../../domain/wire.ts';
import { liveView, type LiveViewState } from './live-view.ts';
import { keepToken, readToken } from '../token.ts';

function find<Kind extends HTMLElement>(selector: string, kind: new () => Kind): Kind {
  const found = document.querySelector(selector);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${selector}`);
}

const screen = find('#screen', HTMLElement);
const status = find('#status', HTMLElement);
const login = find('#login', HTMLFormElement);
const input = find('#token', HTMLInputElement);
const appInstanceId = viewedAt(location.pathname) ?? '';

const wordsFor = (state: LiveViewState): string => {
  if (state.is === 'opening') return 'opening';
  if (state.is === 'live') return state.canControl ? '' : 'you can look, but not type: this token is for observers';
  return state.why;
};

let view = { close: (): void => undefined };

function show(): void {
  view.close();
  const token = readToken();
  view = liveView(screen, {
    appInstanceId,
    token,
    onChange: (state) => {
      document.body.dataset['state'] = state.is;
      status.textContent = wordsFor(state);
      login.hidden = state.is !== 'refused';
    },
  });
}

login.addEventListener('submit', (event) => {
  event.preventDefault();
  keepToken(input.value.trim());
  show();
});
find('h1', HTMLElement).textContent = appInstanceId;
document.title = `${appInstanceId} – live`;
show();
