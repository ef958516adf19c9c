import { callOnce } from '../../client/unix.ts';
import type { Command } from '../command.ts';
import { tellPage } from '../page-address.ts';

export const view: Command = async (invocation) => {
  const { url } = await callOnce(invocation.daemon, ['getView', { appInstanceId: invocation.operands[0] ?? '' }]);
  await tellPage(invocation, url);
  return 0;
};
