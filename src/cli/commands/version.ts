import { callOnce } from '../../client/unix.ts';
import { VERSION } from '../../domain/version.ts';
import type { Command } from '../command.ts';
import { isSet } from '../options.ts';

export const version: Command = async ({ options, daemon, output }) => {
  const other = isSet(options, 'daemon') ? await callOnce(daemon, ['version', {}]) : undefined;
  if (output.json) output.data({ version: VERSION, ...(other !== undefined && { daemon: other }) });
  else output.line(other === undefined ? VERSION : `runtimectl ${VERSION}`);
  if (!output.json && other !== undefined) {
    output.line(
      `runtimemanagerd ${other.version}, engine ${other.engine} (${other.runtime}), pid ${other.pid}, root ${other.root}`,
    );
  }
  return 0;
};
