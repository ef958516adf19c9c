/** Arrow keys lead to what lies in their direction, as a remote control's do; Escape leads back. */

const FOCUSABLE = 'a[href], button:not(:disabled), input:not(:disabled), textarea:not(:disabled), select, [data-stop]';

type Direction = readonly [x: -1 | 0 | 1, y: -1 | 0 | 1];

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** What is beside the way counts more than what is further along it. */
const SIDE_WEIGHT = 3;

export function steerByArrows(back: () => void): void {
  document.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    const from = document.activeElement instanceof HTMLElement ? document.activeElement : document.body;
    if (event.key === 'Escape') {
      event.preventDefault();
      back();
      return;
    }
    const direction = DIRECTIONS[event.key];
    if (direction === undefined || isWanted(from, direction)) return;
    const next = from === document.body ? stops()[0] : nearest(from, direction);
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  });
}

/** The element itself has a use for the key. */
function isWanted(element: HTMLElement, [x, y]: Direction): boolean {
  if (element instanceof HTMLSelectElement) return y !== 0;
  if (element instanceof HTMLTextAreaElement) return !isAtEdge(element, x === 0 ? y : x);
  if (element instanceof HTMLInputElement && element.type !== 'checkbox') return x !== 0 && !isAtEdge(element, x);
  // a text that scrolls is read with up and down, to its end
  if (element.dataset['stop'] !== 'scroll' || y === 0) return false;
  const rest = y < 0 ? element.scrollTop : element.scrollHeight - element.clientHeight - element.scrollTop;
  return rest > 1;
}

function isAtEdge(
  { selectionStart, selectionEnd, value }: HTMLInputElement | HTMLTextAreaElement,
  way: number,
): boolean {
  return selectionStart === selectionEnd && selectionStart === (way < 0 ? 0 : value.length);
}

const stops = (): readonly HTMLElement[] =>
  [...document.querySelectorAll<HTMLElement>(FOCUSABLE)].filter((element) => element.getClientRects().length > 0);

function nearest(from: HTMLElement, direction: Direction): HTMLElement | undefined {
  const here = from.getBoundingClientRect();
  let best: { readonly element: HTMLElement; readonly distance: number } | undefined;
  for (const element of stops()) {
    if (element === from) continue;
    const distance = distanceTo(here, element.getBoundingClientRect(), direction);
    if (distance !== undefined && (best === undefined || distance < best.distance)) best = { element, distance };
  }
  return best?.element;
}

/** Undefined for what does not lie in this direction. */
function distanceTo(here: DOMRect, there: DOMRect, [x, y]: Direction): number | undefined {
  const along =
    x === 0
      ? gap([here.top, here.bottom], [there.top, there.bottom], y)
      : gap([here.left, here.right], [there.left, there.right], x);
  if (along === undefined) return undefined;
  const side =
    x === 0
      ? Math.max(0, there.left - here.right, here.left - there.right)
      : Math.max(0, there.top - here.bottom, here.top - there.bottom);
  // among those straight ahead the one whose beginning is nearest to ours
  const skew = x === 0 ? Math.abs(there.left - here.left) : Math.abs(there.top - here.top);
  return along + SIDE_WEIGHT * side + skew / 100;
}

type Span = readonly [from: number, to: number];

/** From one edge to the facing one; undefined when it is not beyond the middle. */
function gap([from, to]: Span, [otherFrom, otherTo]: Span, way: number): number | undefined {
  const isBeyond = way > 0 ? otherFrom >= (from + to) / 2 : otherTo <= (from + to) / 2;
  if (!isBeyond) return undefined;
  return Math.max(0, way > 0 ? otherFrom - to : from - otherTo);
}
