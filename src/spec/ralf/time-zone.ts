/**
 * The device's time zone in RALF apps: the data of all zones, and the zone that is set. Source: entservices-appmanagers, pull request
 * 564 (RDKEMW-23339), RalfOCIConfigGenerator::addTimezoneInfo.
 */
import type { Platform } from '../platform/platform.ts';

export type TimeZoneMount = { readonly source: string; readonly destination: string };

/** What is not there is left out. */
export const timeZoneMounts = ({ ralf: { value } }: Pick<Platform, 'ralf'>): readonly TimeZoneMount[] => [
  { source: value.zoneInfo, destination: '/usr/share/zoneinfo' },
  { source: value.localtime, destination: '/etc/localtime' },
  { source: value.timezone, destination: '/etc/timezone' },
];
