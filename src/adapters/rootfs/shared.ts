/**
 * Who asks while an answer is being looked up waits for the next one, together with all who ask meanwhile: nobody gets what was
 * true before they asked, and a crowd costs two looks.
 */
export function shared<T>(look: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const begin = (): Promise<T> => {
    const answer = look().finally(() => {
      running = undefined;
    });
    running = answer;
    return answer;
  };
  return () => {
    if (running === undefined && next === undefined) return begin();
    next ??= (running ?? Promise.resolve()).then(noMatter, noMatter).then(() => {
      next = undefined;
      return begin();
    });
    return next;
  };
}

const noMatter = (): void => undefined;
