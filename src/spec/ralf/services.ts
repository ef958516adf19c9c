/**
 * Network services of RALF packages (`urn:rdk:config:network`): `public` and `exported` ones are ports of the machine that lead to
 * the app, `imported` ones ports of the machine that the app reaches. Source: rdkcentral's package metadata specification;
 * entservices-appmanagers, branch feature/RDKMVE-2894-container-network-hardening, applyNetworkConfigToOCIConfig.
 */
import * as z from 'zod';
import type { App } from '../../domain/app.ts';
import { from, type Origin } from '../origins.ts';
import type { Platform } from '../platform/platform.ts';
import type { Manifest } from './schema.ts';

export const NETWORK_SECTION = 'urn:rdk:config:network';

/** As upstream reads them: type and protocol may be missing. */
const serviceSchema = z.object({
  port: z.int().min(1).max(65_535),
  protocol: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['tcp', 'udp']))
    .default('tcp'),
  type: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['public', 'exported', 'imported']))
    .default('public'),
});

export type Service = z.output<typeof serviceSchema> & { readonly origin: Origin };
export type Services = { readonly services: readonly Service[]; readonly ignored: readonly string[] };

type One = { readonly metadata: string; readonly manifest: Manifest };
const WITH_SERVICES = ['application', 'service'];
const MOST_SERVICES = 64;

/** What cannot be read as one is named, as upstream skips it. */
export function servicesOf(packages: readonly One[]): Services {
  const read = packages.map(servicesIn);
  return { services: read.flatMap(({ services }) => services), ignored: read.flatMap(({ ignored }) => ignored) };
}

function servicesIn({ metadata, manifest: { packageType, configuration } }: One): Services {
  const content = configuration[NETWORK_SECTION];
  const name = `ralf: ${metadata} ${NETWORK_SECTION}`;
  if (content === undefined || !WITH_SERVICES.includes(packageType)) return { services: [], ignored: [] };
  if (!Array.isArray(content)) return { services: [], ignored: [`${name}, which is no list`] };
  const origin = from('package', `${metadata} ${NETWORK_SECTION}`);
  const read = content.slice(0, MOST_SERVICES).map((entry: unknown) => serviceSchema.safeParse(entry).data);
  return {
    services: read.flatMap((service) => (service === undefined ? [] : [{ ...service, origin }])),
    ignored: [
      ...read.flatMap((service, at) => (service === undefined ? [`${name}[${at}], which is no service`] : [])),
      ...(content.length > MOST_SERVICES ? [`${name} beyond ${MOST_SERVICES} services`] : []),
    ],
  };
}

type Device = {
  readonly allow: Platform['allow'];
  readonly network: App['network'];
  /** Where `exported` ports are, for other apps; every address where the engine knows no other. */
  readonly exportAddress: string | undefined;
};

export type Ports = {
  readonly ports: App['ports'];
  /** Ports of the machine that the app reaches. */
  readonly imported: readonly number[];
  readonly ignored: readonly string[];
};

const FIRST_UNPRIVILEGED = 1024;

/**
 * A package cannot take a port of the system's, nor reach services of the machine, unless the device allows it (`network` in
 * `apps.overlays.allow`).
 */
export function portsOf(services: readonly Service[], { allow, network, exportAddress }: Device): Ports {
  const isAllowed = allow.includes('network');
  const ports: App['ports'][number][] = [];
  const imported: number[] = [];
  const ignored: string[] = [];
  for (const { port, protocol, type, origin } of services) {
    const left = (why: string): unknown =>
      ignored.push(`ralf: ${origin.by ?? ''} ${type} ${protocol} ${port} (${why})`);
    if (type === 'imported' && protocol === 'udp') left('only tcp can be imported');
    else if (!isAllowed && (type === 'imported' || port < FIRST_UNPRIVILEGED)) {
      left('needs network in apps.overlays.allow');
    } else if (type === 'imported') imported.push(port);
    else if (network !== 'nat') left('needs the network nat, by the permission internet');
    else if (!ports.some((one) => one.host === port && one.protocol === protocol)) {
      const address = type === 'exported' && exportAddress !== undefined ? { address: exportAddress } : {};
      ports.push({ host: port, app: port, protocol, ...address });
    }
  }
  return { ports, imported: [...new Set(imported)], ignored };
}
