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
    const next = nextFrom(from, direction);
    if (direction[1] !== 0 && isReadFirst(from, next, direction[1])) {
      event.preventDefault();
      return;
    }
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  });
}

/** Where the focus was last: what had it may have gone since, as the row of an app that has ended. */
let place: DOMRect | undefined;
document.addEventListener('focusin', ({ target }) => {
  if (target instanceof HTMLElement) place = target.closest('.login') ? undefined : target.getBoundingClientRect();
});
// another view is begun at its beginning
addEventListener('hashchange', () => (place = undefined));

/** Up and down, what is in the same view goes before what is beside it. */
function nextFrom(from: HTMLElement, direction: Direction): HTMLElement | undefined {
  if (from === document.body) {
    return (place === undefined ? undefined : nearest(place, direction, stops())) ?? stops()[0];
  }
  const here = from.getBoundingClientRect();
  const others = stops().filter((element) => element !== from);
  const view = direction[1] === 0 ? undefined : viewOf(from);
  const inView = others.filter((element) => view?.contains(element) === true);
  return nearest(here, direction, inView) ?? nearest(here, direction, others);
}

/** Of what is seen of a view, a step leaves so much. */
const STEP = 0.6;

/** A view that has more to be read is scrolled before the focus leaves it, or jumps past what nobody has seen. */
function isReadFirst(from: HTMLElement, next: HTMLElement | undefined, y: number): boolean {
  const view = viewOf(from);
  if (view === undefined) return false;
  const seen =
    view === document.scrollingElement ? new DOMRect(0, 0, innerWidth, innerHeight) : view.getBoundingClientRect();
  if (next !== undefined && view.contains(next)) {
    const there = next.getBoundingClientRect();
    const reach = seen.height * STEP;
    if (y > 0 ? there.top < seen.bottom + reach : there.bottom > seen.top - reach) return false;
  }
  const rest = y < 0 ? view.scrollTop : view.scrollHeight - view.clientHeight - view.scrollTop;
  if (rest <= 1) return false;
  view.scrollBy({ top: y * view.clientHeight * STEP });
  return true;
}

/** The nearest one around it that scrolls, and takes it along. */
function viewOf(element: HTMLElement): Element | undefined {
  for (let one = element.parentElement; one !== null; one = one.parentElement) {
    if (getComputedStyle(one).position === 'sticky') return undefined;
    if (one.scrollHeight > one.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(one).overflowY)) return one;
  }
  const page = document.scrollingElement;
  return page !== null && page.scrollHeight > page.clientHeight + 1 ? page : undefined;
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

function nearest(here: DOMRect, direction: Direction, among: readonly HTMLElement[]): HTMLElement | undefined {
  let best: { readonly element: HTMLElement; readonly distance: number } | undefined;
  for (const element of among) {
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
