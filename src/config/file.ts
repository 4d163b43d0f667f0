import { isMap, isNode, isScalar, LineCounter, type Pair, parseDocument } from 'yaml';
import type { Problem } from './problems.js';

/** One `key: value` line of the file. */
export interface Entry {
  readonly name: string;
  readonly text: string;
  /** `push-daemon.yaml line 3` */
  readonly source: string;
}

export interface ParsedFile {
  readonly entries: readonly Entry[];
  readonly problems: readonly Problem[];
}

/**
 * Reads the YAML of a configuration file: one flat mapping of keys to scalars. With the failsafe schema every scalar
 * stays the text that was written, so a value means the same in the file as on the command line.
 */
export const parseFile = (path: string, text: string): ParsedFile => {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { schema: 'failsafe', lineCounter, prettyErrors: false });
  const at = (offset: number): string => `${path} line ${lineCounter.linePos(offset).line}`;
  const spot = (offset: number): string => `${at(offset)} column ${lineCounter.linePos(offset).col}`;

  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    return { entries: [], problems: faults.map(({ pos, message }) => noYaml(spot(pos[0]), message)) };
  }
  const { contents } = document;
  const empty = contents === null || (isScalar(contents) && contents.value === '');
  if (empty) return { entries: [], problems: [] };
  if (!isMap(contents)) return { entries: [], problems: [fileProblem(path, 'must be a mapping of keys to values')] };

  const read = contents.items.flatMap((pair) => readPair(pair, '', at));
  return {
    entries: read.filter((item) => 'text' in item),
    problems: read.filter((item) => 'type' in item),
  };
};

/** Keys below a key are named after both, `retain.bytes`: none of them is known, and the hint says what may be meant. */
const readPair = ({ key, value }: Pair, prefix: string, at: (offset: number) => string): (Entry | Problem)[] => {
  const source = at((isNode(key) ? key.range?.[0] : undefined) ?? 0);
  if (!isScalar(key)) return [fileProblem(source, 'a key must be plain text')];
  const name = prefix + String(key.value);
  if (isMap(value) && value.items.length > 0) return value.items.flatMap((pair) => readPair(pair, `${name}.`, at));
  if (value !== null && !isScalar(value))
    return [fileProblem(source, `${JSON.stringify(name)} must have one plain value`)];
  return [{ name, text: String(value?.value ?? ''), source }];
};

const fileProblem = (source: string, reason: string): Problem => ({ type: 'file', source, reason });

/** The parser's messages may end in advice for programmers, after a semicolon or a line end: what is before says it. */
const noYaml = (source: string, message: string): Problem =>
  fileProblem(source, `this is not valid YAML: ${message.split(/[;\n]/, 1)[0] ?? ''}`);
