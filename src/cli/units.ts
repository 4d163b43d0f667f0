/** Numbers as people read them: three or four significant figures and a unit. */

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.4 MiB` */
export const humanBytes = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : figures(value)} ${BYTE_UNITS[unit]}`;
};

/** A time in microseconds: `231 µs`, `4.7 ms`, `12 s`, `3.5 h`. */
export const humanTime = (us: number): string => {
  if (us < 1_000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${figures(us / 1_000)} ms`;
  if (us < 60e6) return `${figures(us / 1e6)} s`;
  return us < 3_600e6 ? `${figures(us / 60e6)} min` : `${figures(us / 3_600e6)} h`;
};

/** Microseconds as milliseconds, for JSON: to the microsecond. */
export const toMs = (us: number): number => Math.round(us) / 1_000;

/** `12,345` */
export const humanCount = (count: number): string => count.toLocaleString('en-US', { maximumFractionDigits: 0 });

/** `1 record`, `2 records` */
export const counted = (count: number, noun: string): string => `${humanCount(count)} ${noun}${count === 1 ? '' : 's'}`;

const figures = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));
