import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import t from 'tap';
import { CLIENT_ERRORS } from '../../src/client/index.js';
import {
  closeOptions,
  connectOptions,
  DEFAULTS,
  fetchOptions,
  publishOptions,
  subscribeOptions,
} from '../../src/client/options.js';
import { daemon } from './cli-process.js';

const root = new URL('../../', import.meta.url);
const text = readFileSync(new URL('docs/SDK.md', root), 'utf8');

const CHECKS = {
  connect: connectOptions,
  publish: publishOptions,
  subscribe: subscribeOptions,
  fetch: fetchOptions,
  close: closeOptions,
} as const;

/** The first two cells of each row between two markers. */
function rows(begin: string, end: string): (readonly [string, string])[] {
  const [, section = ''] = new RegExp(`<!-- ${begin} -->\\n(.*?)<!-- ${end} -->`, 's').exec(text) ?? [];
  return Array.from(section.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm), ([, name = '', cell = '']) => [name, cell]);
}

/** What a cell says that the default is. */
function defaultOf(cell: string): unknown {
  if (cell === 'none' || cell === 'required') return undefined;
  const [, quoted] = /^`'(.*)'`$/.exec(cell) ?? [];
  return quoted ?? Number(cell.replaceAll(',', ''));
}

/** The options that a check knows, as it says itself to whoever uses another one. */
function namesOf(check: (given: unknown) => unknown): string[] {
  try {
    check({ bogus: 1 });
  } catch (error) {
    return (error as Error).message.replace(/^.*there are /, '').split(', ');
  }
  throw new Error('it takes anything');
}

t.test('docs/SDK.md: every option, with its default', async (t) => {
  for (const [call, check] of Object.entries(CHECKS)) {
    const documented = rows(`options: ${call}`, 'options: end');
    t.same(
      documented.map(([name]) => name),
      namesOf(check),
      call,
    );
    const defaults: { readonly [name: string]: unknown } = { ...DEFAULTS, publish: {} }[call as keyof typeof CHECKS];
    for (const [name, cell] of documented) t.equal(defaultOf(cell), defaults[name], `${call}: ${name}`);
  }
});

t.test('docs/SDK.md: every code of an error', async (t) => {
  t.same(
    rows('errors: begin', 'errors: end').map(([code]) => code),
    Object.keys(CLIENT_ERRORS),
  );
});

t.test('docs/SDK.md: its examples, one after the other, do what they say', async (t) => {
  const { port } = await daemon(t);
  const blocks = Array.from(text.matchAll(/```ts\n(.*?)```/gs), ([, block]) => block as string);
  t.ok(blocks.length >= 7);
  const program = blocks.join('\n').replace('127.0.0.1:9000', `127.0.0.1:${port}`);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
  });
  t.equal(stderr, '');
  t.strictSame(stdout.trim().split('\n'), [
    'orders.eu 2 two',
    'orders.eu 3 3',
    'went on with 3',
    '3 4 false',
    'connected, resumed: false',
  ]);
});
