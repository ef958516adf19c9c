/** Names of browsers' types that playwright's own types mention; nothing here has a browser's types. */
/* eslint-disable @typescript-eslint/no-empty-object-type, @typescript-eslint/consistent-type-definitions -- they must be mergeable */
interface Node {}
interface SVGElement {}
interface HTMLElement {}
interface HTMLElementTagNameMap {}
