/** The packet filter's part: one table a daemon, in the language of nft(8). */
import { formatSubnet, type NetworkLease, type Subnet } from '../../domain/network.ts';

export type RuleSet = {
  readonly name: string;
  /** The apps' interfaces: `rm….*` */
  readonly cables: string;
  readonly subnet: Subnet;
  readonly leases: readonly NetworkLease[];
  /** Where apps may open no connection, and the exceptions. */
  readonly deny: readonly Subnet[];
  readonly allow: readonly Subnet[];
  /** For whoever finds the table; plain characters. */
  readonly owner: string;
};

/** Ports at every address of the machine, and those at one of them. */
const MAPS = ['ports', 'places'] as const;
type MapName = (typeof MAPS)[number];
type Port = NetworkLease['ports'][number];

const keyOf = ({ address, host, protocol }: Port): string =>
  `${address === undefined ? '' : `${address} . `}${protocol} . ${host}`;
const portsIn = (map: MapName, { ports }: NetworkLease): readonly Port[] =>
  ports.filter(({ address }) => (address === undefined) === (map === 'ports'));

/** `tcp . 8080 : 10.1.2.3 . 80`, or `127.0.0.1 . tcp . 8080 : 10.1.2.3 . 80` */
const elementsOf = (map: MapName, lease: NetworkLease): readonly string[] =>
  portsIn(map, lease).map((port) => `${keyOf(port)} : ${lease.address} . ${port.app}`);

const keysOf = (map: MapName, lease: NetworkLease): readonly string[] => portsIn(map, lease).map(keyOf);

const mapText = (map: MapName, type: string, leases: readonly NetworkLease[]): string => {
  const elements = leases.flatMap((lease) => elementsOf(map, lease));
  return `map ${map} {
    type ${type} : ipv4_addr . inet_service
    ${elements.length === 0 ? '' : `elements = { ${elements.join(', ')} }`}
  }`;
};

const TO_APPS = `fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @places
    fib daddr type local dnat ip to meta l4proto . th dport map @ports`;

/** What the app itself began is meant, by the address that it asked for: answers to who came by a published port go out. */
function policyText(cables: string, { deny, allow }: Pick<RuleSet, 'deny' | 'allow'>): string {
  const begun = (subnets: readonly Subnet[], verdict: string): readonly string[] =>
    subnets.length === 0
      ? []
      : [
          `iifname "${cables}" ct direction original ct original ip daddr { ${subnets.map(formatSubnet).join(', ')} } ${verdict}`,
        ];
  return deny.length === 0
    ? ''
    : [...begun(allow, 'accept'), ...begun(deny, 'reject with icmp admin-prohibited')].join('\n    ');
}

/**
 * The whole table anew, in one transaction. From the apps to this machine only name servers can be reached; into the subnet comes
 * what a published port leads there, and answers. What only passes through the machine otherwise is left to others' rules.
 */
export function tableText({ name, cables, subnet, leases, owner, ...policy }: RuleSet): string {
  const apps = formatSubnet(subnet);
  return `add table ip ${name}
delete table ip ${name}
table ip ${name} {
  comment "${owner}"
  ${mapText('ports', 'inet_proto . inet_service', leases)}
  ${mapText('places', 'ipv4_addr . inet_proto . inet_service', leases)}
  chain prerouting {
    type nat hook prerouting priority -100
    ${TO_APPS}
  }
  chain output {
    type nat hook output priority -100
    ${TO_APPS}
  }
  chain postrouting {
    type nat hook postrouting priority 100
    ip saddr ${apps} oifname != "${cables}" masquerade
    oifname "${cables}" fib saddr type local masquerade
  }
  chain input {
    type filter hook input priority 0
    iifname != "${cables}" accept
    ct state established,related accept
    meta l4proto icmp accept
    meta l4proto { tcp, udp } th dport 53 accept
    reject with icmp admin-prohibited
  }
  chain forward {
    type filter hook forward priority 0
    ${policyText(cables, policy)}
    oifname != "${cables}" accept
    ct state established,related accept
    ct status dnat accept
    reject with icmp admin-prohibited
  }
}
`;
}

/** Absent is good, too. */
export const noTable = (name: string): string => `add table ip ${name}\ndelete table ip ${name}\n`;

export const addElements = (name: string, lease: NetworkLease): string =>
  MAPS.flatMap((map) => change('add', `${name} ${map}`, elementsOf(map, lease))).join('\n');

export const deleteElements = (name: string, lease: NetworkLease): string =>
  MAPS.flatMap((map) => change('delete', `${name} ${map}`, keysOf(map, lease))).join('\n');

const change = (verb: string, where: string, elements: readonly string[]): readonly string[] =>
  elements.length === 0 ? [] : [`${verb} element ip ${where} { ${elements.join(', ')} }`];
