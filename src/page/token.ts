/** Where the pages keep the token: in this tab only, and not in its address. The live view reads it from the same place. */

const KEY = 'runtime-manager-token';

/** `#token=…` is taken out of the address at once, so that it is in no bookmark, picture or history. */
export function readToken(): string | undefined {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) {
    keepToken(given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY) ?? undefined;
}

export const keepToken = (token: string): void => sessionStorage.setItem(KEY, token);
export const forgetToken = (): void => sessionStorage.removeItem(KEY);
