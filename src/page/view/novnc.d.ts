/** What we use of noVNC, which brings no types. Source: its docs/API.md. */
declare module '@novnc/novnc' {
  class RFB extends EventTarget {
    constructor(target: HTMLElement, channel: WebSocket);
    viewOnly: boolean;
    scaleViewport: boolean;
    disconnect(): void;
    focus(): void;
  }
  export { RFB as default };
}
