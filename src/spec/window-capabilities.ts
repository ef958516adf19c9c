/** An app's capabilities as RDK's window manager calls them. Source: facts/thunder.md §3.2, §5.3. */

/** With regard to case, as upstream compares them here (and only here). */
const WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'home-app': 'privilegedclient',
    'issue-notifications': 'overlayenabled',
    'suspend-mode': 'suspendable',
    'refresh-rate-60hz': '60hz',
    'mediarite-underlay': 'mediarite',
    'game-controller': 'gamecontrollersupport',
  }),
);

/** `name` or `name=value`, with commas between; a backslash takes the next character as it is. */
const ITEM = /(?:\\.|[^,\\])+/gs;

/** In the order of the text; what is not for the window manager is left out. */
export const windowCapabilities = (text: string): readonly string[] =>
  (text.match(ITEM) ?? []).flatMap((item) => WORDS.get(item.split('=', 1)[0] ?? '') ?? []);
