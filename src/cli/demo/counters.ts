/** Counters of the kernel, in bytes since the machine started, as Linux writes them in /proc. */

export interface Traffic {
  readonly in: number;
  readonly out: number;
}

const NOTHING: Traffic = { in: 0, out: 0 };

/** All interfaces of /proc/net/dev together, loopback included: on a quiet machine it is what moves. */
export const parseNetDev = (text: string): Traffic =>
  sum(
    text.split('\n').flatMap((line) => {
      const [, fields] = /^\s*\S+:\s*(\d.*)$/.exec(line) ?? [];
      const numbers = fields?.trim().split(/\s+/).map(Number) ?? [];
      return numbers.length < 9 ? [] : [{ in: numbers[0] ?? 0, out: numbers[8] ?? 0 }];
    }),
  );

/** The kernel counts in these, whatever the device's own sectors are. */
const SECTOR_BYTES = 512;

/** All disks of /proc/diskstats together: `in` was read, `out` written. Partitions are left out, as they are counted in their disk. */
export const parseDiskStats = (text: string): Traffic => {
  const devices = text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [, , name = '', , , read, , , , written] = fields;
    return /^(sd|vd|xvd|nvme|mmcblk)/.test(name) ? [{ name, in: Number(read), out: Number(written) }] : [];
  });
  const disks = devices.filter(
    ({ name }) => !devices.some((other) => other.name !== name && name.startsWith(other.name)),
  );
  const { in: read, out: written } = sum(disks);
  return { in: read * SECTOR_BYTES, out: written * SECTOR_BYTES };
};

/** What could be had without swapping, from /proc/meminfo, in bytes. */
export const parseMemAvailable = (text: string): number | undefined => {
  const [, kib] = /^MemAvailable:\s+(\d+) kB/m.exec(text) ?? [];
  return kib === undefined ? undefined : Number(kib) * 1024;
};

const sum = (all: readonly Traffic[]): Traffic =>
  all.reduce((total, each) => ({ in: total.in + each.in, out: total.out + each.out }), NOTHING);
