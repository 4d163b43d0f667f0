import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const filesUnder = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
    .toSorted();

const SOURCES = filesUnder('src');
const FOLDERS = ['wire', 'session', 'log', 'net', 'server', 'client', 'observe', 'config', 'daemon', 'cli'] as const;
type Folder = (typeof FOLDERS)[number];

/** What each folder may import of ours, besides itself. */
const MAY_IMPORT: { readonly [F in Folder]: readonly Folder[] } = {
  wire: [],
  session: ['wire'],
  log: [],
  net: ['session'],
  server: ['wire', 'session', 'log', 'net'],
  client: ['wire', 'session', 'net'],
  observe: [],
  config: [],
  daemon: FOLDERS.filter((folder) => folder !== 'cli'),
  cli: FOLDERS,
};

/** Folders without clock, chance, or anything of the world outside; and what of the platform they may use. */
const PURE: { readonly [folder: string]: readonly string[] } = {
  wire: ['node:zlib', 'node:buffer'],
  session: [],
  log: [],
};
/** Packages, and the one folder that each belongs to. */
const PACKAGES: { readonly [name: string]: Folder } = {
  commander: 'cli',
  pino: 'observe',
  'prom-client': 'observe',
  yaml: 'config',
};
/** What reads a clock, throws dice, or waits. */
const BANNED = new Set(
  'Date performance Math.random crypto process setTimeout setInterval setImmediate queueMicrotask'.split(' '),
);
const LINES_MAX = 280;
const LINES_WORTH_A_LOOK = 200;
const FUNCTION_LINES_MAX = 70;

/** The families of faults that the product must survive, with how many cases each has; their tests bear their ids. */
const CASES = { F: 11, H: 4, A: 4, B: 5, S: 4, R: 5, C: 5, D: 3, G: 3, M: 2 } as const;

const folderOf = (path: string): string => path.split('/')[1] ?? '';

/** Everything that a file imports, as it is written there. */
const importsOf = (path: string): string[] => ts.preProcessFile(read(path)).importedFiles.map((file) => file.fileName);

/** The file of ours that an import means; undefined: a package, or a part of the platform. */
const targetOf = (path: string, specifier: string): string | undefined =>
  specifier.startsWith('.')
    ? relative(root, resolve(root, dirname(path), specifier.replace(/\.js$/, '.ts')))
    : undefined;

const syntaxOf = (path: string) => ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true);

function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node);
  ts.forEachChild(node, (child) => visit(child, look));
}

const lineOf = (file: ts.SourceFile, position: number): number => file.getLineAndCharacterOfPosition(position).line + 1;

t.test('every file of the source is in a folder that has its place in the table', async (t) => {
  for (const path of SOURCES) t.ok((FOLDERS as readonly string[]).includes(folderOf(path)), path);
});

t.test('import directions: each layer knows only those below it, and those by their faces', async (t) => {
  for (const path of SOURCES) {
    const own = folderOf(path) as Folder;
    for (const specifier of importsOf(path)) {
      const target = targetOf(path, specifier);
      if (target === undefined) continue;
      t.ok(existsSync(join(root, target)), `${path} imports ${target}`);
      const other = folderOf(target) as Folder;
      if (other === own) continue;
      t.ok(MAY_IMPORT[own].includes(other), `${own} may not import ${other}: ${path}`);
      t.match(target, /\/index\.ts$/, `${path} imports ${target}, which is no face`);
    }
  }
});

t.test('packages and sockets stay where they belong', async (t) => {
  const allowed: { readonly [builtin: string]: readonly string[] } = {
    'node:net': ['src/net/', 'src/server/listener.ts', 'src/client/', 'src/observe/', 'src/config/', 'src/cli/'],
    'node:fs': ['src/daemon/', 'src/observe/', 'src/cli/'],
  };
  for (const path of SOURCES) {
    for (const specifier of importsOf(path)) {
      if (specifier.startsWith('.')) continue;
      if (!specifier.startsWith('node:')) t.equal(PACKAGES[specifier], folderOf(path), `${path} imports ${specifier}`);
      const places = allowed[specifier.replace('/promises', '')];
      if (places !== undefined)
        t.ok(
          places.some((place) => path.startsWith(place)),
          `${path} imports ${specifier}`,
        );
      const pure = PURE[folderOf(path)];
      if (pure !== undefined) t.ok(pure.includes(specifier), `${path} imports ${specifier}`);
    }
  }
});

t.test('pure folders: no clock, no chance, no waiting', async (t) => {
  for (const path of SOURCES.filter((source) => folderOf(source) in PURE)) {
    const file = syntaxOf(path);
    visit(file, (node) => {
      // A name that is a member of something else, such as `journal.fetch`, is none of the platform's.
      const isMember =
        ts.isPropertyAccessExpression(node.parent ?? file) &&
        (node.parent as ts.PropertyAccessExpression).name === node;
      const isUse = ts.isIdentifier(node)
        ? ts.isExpression(node.parent) && !isMember
        : ts.isPropertyAccessExpression(node);
      if (isUse && BANNED.has(node.getText(file)))
        t.fail(`${path}:${lineOf(file, node.getStart(file))} uses ${node.getText(file)}`);
    });
  }
  t.pass('looked');
});

t.test('no dead files: each is reachable from what the package offers', async (t) => {
  const { exports } = JSON.parse(read('package.json')) as { exports: { [name: string]: string | { default: string } } };
  const entries = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry.default]));
  const shim = importsOf('bin/push-daemon.js').map((specifier) => join('bin', specifier));
  const waiting = [...entries, ...shim].map((built) => join(built).replace(/^dist/, 'src').replace(/\.js$/, '.ts'));
  const reached = new Set(waiting);
  t.ok(waiting.includes('src/cli/main.ts') && waiting.includes('src/client/index.ts'));
  for (const path of waiting) {
    for (const specifier of importsOf(path)) {
      const target = targetOf(path, specifier);
      if (target === undefined || reached.has(target)) continue;
      reached.add(target);
      waiting.push(target);
    }
  }
  t.same(
    SOURCES.filter((path) => !reached.has(path)),
    [],
  );
});

t.test('no file and no function is longer than one can hold in mind', async (t) => {
  const long: string[] = [];
  for (const path of SOURCES) {
    const lines = read(path).split('\n').length - 1;
    if (lines > LINES_WORTH_A_LOOK) long.push(`${lines} ${path}`);
    t.ok(lines <= LINES_MAX, `${path} has ${lines} lines`);
    const file = syntaxOf(path);
    visit(file, (node) => {
      if (!ts.isFunctionLike(node)) return;
      const length = lineOf(file, node.end) - lineOf(file, node.getStart(file)) + 1;
      if (length > FUNCTION_LINES_MAX)
        t.fail(`${path}:${lineOf(file, node.getStart(file))}, a function of ${length} lines`);
    });
  }
  t.comment(`worth a look, more than ${LINES_WORTH_A_LOOK} lines: ${long.toSorted().toReversed().join(', ')}`);
});

t.test('every case of a fault has a test that bears its id', async (t) => {
  const shown = new Set<string>();
  for (const path of filesUnder('test').filter((name) => name.endsWith('.test.ts'))) {
    visit(syntaxOf(path), (node) => {
      if (!ts.isCallExpression(node) || !/^\w+\.test$/.test(node.expression.getText())) return;
      const [name] = node.arguments;
      if (name === undefined || !ts.isStringLiteralLike(name)) return;
      for (const id of name.text.match(/\b[A-Z]\d+\b/g) ?? []) shown.add(id);
    });
  }
  const ids = Object.entries(CASES).flatMap(([family, count]) =>
    Array.from({ length: count }, (_, i) => `${family}${i + 1}`),
  );
  t.same(
    ids.filter((id) => !shown.has(id)),
    [],
  );
});

t.test('no any', async (t) => {
  for (const path of [...SOURCES, ...filesUnder('test')]) {
    const file = syntaxOf(path);
    visit(file, (node) => {
      if (node.kind === ts.SyntaxKind.AnyKeyword) t.fail(`${path}:${lineOf(file, node.getStart(file))}`);
    });
  }
  t.pass('looked');
});

t.test('what is committed names no unfinished work, no machine, and no registry', async (t) => {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0');
  const unwanted = [/\b(TO[D]O|FIX[M]E)\b/, /(^|[\s"'`(=:])\/(wor[k]|roo[t]|hom[e]\/\w+)\//, /"resolve[d]": "https?:/];
  for (const path of tracked.filter((name) => name !== '' && existsSync(join(root, name)))) {
    const text = read(path);
    for (const pattern of unwanted) {
      const found = pattern.exec(text);
      if (found !== null) t.fail(`${path}:${text.slice(0, found.index).split('\n').length} says ${found[0].trim()}`);
    }
  }
  t.pass('looked');
});
