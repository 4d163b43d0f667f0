import { isIP } from 'node:net';

/**
 * The kinds of value that an option can have. Every source hands over text (a flag, an environment variable, a scalar
 * of the file), so there is one parser per kind, and it says in words what it allows.
 */
export type Kind =
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  /** In milliseconds. `word` is the one text allowed instead of a duration. */
  | { readonly kind: 'duration'; readonly min: number; readonly max: number; readonly word?: 'auto' }
  /** In bytes. */
  | { readonly kind: 'size'; readonly min: number; readonly max: number }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'host' };

/** The value that a kind parses to. */
export type Value<K extends Kind> = K extends { kind: 'choice'; values: readonly (infer V)[] }
  ? V
  : K extends { kind: 'host' }
    ? string
    : K extends { word: infer W }
      ? number | W
      : number;

const DURATION_UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_UNITS = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
/** The last label of a host name begins with a letter, so that a mistyped address is not taken for a name. */
const HOST_NAME = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)*(?=[a-z])${LABEL}$`, 'i');

/** Parses one value; `undefined` when the kind does not allow it. */
export const parseValue = (kind: Kind, text: string): number | string | undefined => {
  switch (kind.kind) {
    case 'integer':
      return within(kind, /^(0|[1-9]\d*)$/.test(text) ? Number(text) : undefined);
    case 'duration':
      return text === kind.word ? text : within(kind, quantity(text, DURATION_UNITS));
    case 'size':
      return within(kind, quantity(text, { ...SIZE_UNITS, '': 1 }));
    case 'choice':
      return kind.values.includes(text) ? text : undefined;
    case 'host':
      return isIP(text) !== 0 || HOST_NAME.test(text) ? text : undefined;
  }
};

/** What a kind allows, as the end of the sentence "must be …". */
export const allowed = (kind: Kind): string => {
  switch (kind.kind) {
    case 'integer':
      return `an integer from ${kind.min} to ${kind.max}`;
    case 'duration': {
      const word = kind.word === undefined ? '' : `${kind.word}, or `;
      return `${word}a duration (ms, s, m, h, d) from ${formatDuration(kind.min)} to ${formatDuration(kind.max)}`;
    }
    case 'size':
      return `a size (bytes, KiB, MiB, GiB, TiB) from ${formatSize(kind.min)} to ${formatSize(kind.max)}`;
    case 'choice':
      return `one of ${kind.values.join(', ')}`;
    case 'host':
      return 'an IP address or a host name';
  }
};

/** Milliseconds in the largest unit that holds them without a remainder: `90000` is `90s`. */
export const formatDuration = (ms: number): string => inLargestUnit(ms, DURATION_UNITS);

/** Bytes in the largest unit that holds them without a remainder: `1048576` is `1MiB`. */
export const formatSize = (bytes: number): string => inLargestUnit(bytes, SIZE_UNITS);

interface Range {
  readonly min: number;
  readonly max: number;
}
interface Units {
  readonly [unit: string]: number;
}

const within = ({ min, max }: Range, value: number | undefined): number | undefined =>
  value !== undefined && value >= min && value <= max ? value : undefined;

/** A bare 0 needs no unit; any other number has to have one that the table knows. */
const quantity = (text: string, units: Units): number | undefined => {
  if (text === '0') return 0;
  const [, digits = '', unit = ''] = /^(\d+)([A-Za-z]*)$/.exec(text) ?? [];
  const factor = new Map(Object.entries(units)).get(unit);
  return digits === '' || factor === undefined ? undefined : Number(digits) * factor;
};

const inLargestUnit = (value: number, units: Units): string => {
  if (value === 0) return '0';
  const [unit, factor] = Object.entries(units).findLast(([, size]) => value % size === 0) ?? ['', 1];
  return `${value / factor}${unit}`;
};
