const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const GROUPS = 8;
/** 64 bits: the least that one customer is given, who may use every address of it. */
const BLOCK_GROUPS = 4;

/**
 * Whom an address counts for where connections are counted by address: an IPv4 address stands for itself, also where it
 * is mapped into IPv6, and an IPv6 address for the /64 that it is of.
 */
export function addressBlock(address: string): string {
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [before = '', after] = address.split('::', 2);
  const head = groupsOf(before);
  const tail = groupsOf(after ?? '');
  const leftOut = Math.max(0, GROUPS - head.length - tail.length);
  const groups = [...head, ...Array.from({ length: leftOut }, () => '0'), ...tail];
  return `${groups.slice(0, BLOCK_GROUPS).join(':')}::/64`;
}

const groupsOf = (text: string): string[] => (text === '' ? [] : text.split(':'));
