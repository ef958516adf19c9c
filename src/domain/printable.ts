/** Text from outside for a terminal or a log: nothing of it can move a cursor or begin a line. */
export const printable = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
