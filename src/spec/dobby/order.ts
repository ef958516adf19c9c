/** What a Dobby spec is made of. */
import type { Described } from '../described.ts';
import type { Origins } from '../origins.ts';

export type DobbyInput = {
  readonly described: Described;
  readonly appId: string;
  readonly appInstanceId: string;
  readonly identity: { readonly uid: number; readonly gid: number };
  /** Host path of the app's private directory. */
  readonly storage: string;
  /** Whether a Westeros socket is handed to Dobby with the spec. */
  readonly hasDisplay: boolean;
  /** Socket of a media session, for an app that wants Rialto. */
  readonly rialtoSocket: string | null;
  /** How many cores this machine has. */
  readonly cores: number;
};

/** What every part of the spec is made of. */
export type DobbyOrder = DobbyInput & {
  readonly origins: Origins;
  readonly wantsRialto: boolean;
};
