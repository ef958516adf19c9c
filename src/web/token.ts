/** The daemon's token, as pages keep it: for this tab, until it is closed. */

const KEY = 'runtime-manager-token';

/** `#token=…`, which no server sees, is taken out of the address and kept. */
export function readToken(): string | undefined {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) {
    keepToken(given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY) ?? undefined;
}

export const keepToken = (token: string): void => sessionStorage.setItem(KEY, token);
