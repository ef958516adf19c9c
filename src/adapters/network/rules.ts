/** The packet filter's part: one table a daemon, in the language of nft(8). */
import { formatSubnet, type NetworkLease, type Subnet } from '../../domain/network.ts';

export type RuleSet = {
  readonly name: string;
  /** The apps' interfaces: `rm….*` */
  readonly cables: string;
  readonly subnet: Subnet;
  readonly leases: readonly NetworkLease[];
  /** For whoever finds the table; plain characters. */
  readonly owner: string;
};

/** `tcp . 8080 : 10.1.2.3 . 80` */
export const elementsOf = ({ address, ports }: NetworkLease): readonly string[] =>
  ports.map(({ host, app, protocol }) => `${protocol} . ${host} : ${address} . ${app}`);

export const keysOf = ({ ports }: NetworkLease): readonly string[] =>
  ports.map(({ host, protocol }) => `${protocol} . ${host}`);

const TO_APPS = 'fib daddr type local dnat ip to meta l4proto . th dport map @ports';

/**
 * The whole table anew, in one transaction. From the apps to this machine only name servers can be reached; into the subnet comes
 * what a published port leads there, and answers. What only passes through the machine otherwise is left to others' rules.
 */
export function tableText({ name, cables, subnet, leases, owner }: RuleSet): string {
  const elements = leases.flatMap(elementsOf);
  const apps = formatSubnet(subnet);
  return `add table ip ${name}
delete table ip ${name}
table ip ${name} {
  comment "${owner}"
  map ports {
    type inet_proto . inet_service : ipv4_addr . inet_service
    ${elements.length === 0 ? '' : `elements = { ${elements.join(', ')} }`}
  }
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
  `add element ip ${name} ports { ${elementsOf(lease).join(', ')} }`;

export const deleteElements = (name: string, lease: NetworkLease): string =>
  `delete element ip ${name} ports { ${keysOf(lease).join(', ')} }`;
