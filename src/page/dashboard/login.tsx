/** Who has the token comes in. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { logIn, loginFault } from './session.ts';

export function Login() {
  const [token, setToken] = useState('');
  const [isBusy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    void logIn(token).finally(() => setBusy(false));
  };
  return (
    <main class="login">
      <form onSubmit={submit}>
        <h1>Runtime Manager</h1>
        <label class="field">
          <span>Token</span>
          <input
            ref={field}
            type="password"
            name="token"
            autoComplete="off"
            value={token}
            onInput={({ currentTarget }) => setToken(currentTarget.value)}
          />
        </label>
        <button type="submit" class="main" aria-busy={isBusy} aria-disabled={token === ''}>
          Log in
        </button>
        {loginFault.value !== undefined && (
          <p class="fault" role="alert">
            {loginFault.value}
          </p>
        )}
        <p class="soft">
          It lies on the device in the daemon’s file <code>state/token</code>. <code>runtimectl dashboard</code> tells
          where, and with <code>--with-token</code> prints an address that brings it along.
        </p>
      </form>
    </main>
  );
}
