import { callOnce } from '../../client/unix.ts';
import type { Command } from '../command.ts';
import { tellPage } from '../page-address.ts';

export const dashboard: Command = async (invocation) => {
  const { url } = await callOnce(invocation.daemon, ['version', {}]);
  await tellPage(invocation, url === null ? null : new URL('/', url).href);
  return 0;
};
