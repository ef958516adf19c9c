/** What the directories and control groups of a display are called. */
import { plainName, type AppInstanceId, type ContainerId } from '../../domain/ids.ts';

export const nameOf = (id: AppInstanceId): string => `wst-${plainName(id)}`;

/** Of the processes that take its pictures; kept as long as the display. */
export const shotGroupOf = (id: AppInstanceId): ContainerId => `shot-${nameOf(id)}` as ContainerId;
