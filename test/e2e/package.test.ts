import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Manifest {
  readonly dependencies: { readonly [name: string]: string };
  readonly peerDependencies: { readonly [name: string]: string };
}

/** A new project, outside of this one, that has the package as it is packed, and beside it what its manifest names. */
const newProject = (t: Test): { readonly project: string; readonly installed: string } => {
  const project = mkdtempSync(join(tmpdir(), 'push-daemon-package-'));
  t.teardown(() => rmSync(project, { recursive: true }));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  const installed = join(project, 'node_modules/push-daemon');
  mkdirSync(installed, { recursive: true });
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename }]: [{ filename: string }] = JSON.parse(packed);
  execFileSync('tar', ['-xzf', join(project, filename), '-C', installed, '--strip-components=1']);
  const manifest: Manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    const path = join(project, 'node_modules', name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), path);
  }
  return { project, installed };
};

/** What the compiler has against files of the project, by name; it looks into the types that they use, too. */
const faults = (project: string, texts: { readonly [name: string]: string }, kind: ts.CompilerOptions): string[] => {
  const paths = Object.entries(texts).map(([name, text]) => {
    writeFileSync(join(project, name), text);
    return join(project, name);
  });
  const options = { ...kind, strict: true, noEmit: true, target: ts.ScriptTarget.ES2023 };
  const host = ts.createCompilerHost(options);
  host.getCurrentDirectory = () => project;
  return ts
    .getPreEmitDiagnostics(ts.createProgram(paths, options, host))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
};

const CLIENT = `
import { type Client, connect, type TopicEvent } from 'push-daemon';
import { CODES } from 'push-daemon/wire';
const client: Client = connect('127.0.0.1:9000');
export const take = async (take: (event: TopicEvent) => void): Promise<void> => {
  for await (const event of client.subscribe('a')) take(event);
};
export const codes: object = CODES;
`;
const DAEMON = `
import { type Daemon, startDaemon } from 'push-daemon/daemon';
export const start: (options: Parameters<typeof startDaemon>[0]) => Promise<Daemon> = startDaemon;
`;

t.test(
  'the package, in a new project: its types are whole with what it names, and its maps have their sources',
  async (t) => {
    const { project, installed } = newProject(t);
    const nodeNext = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };
    const bundler = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
    t.strictSame(faults(project, { 'client.ts': CLIENT }, nodeNext), []);
    t.strictSame(faults(project, { 'client.ts': CLIENT, 'daemon.ts': DAEMON }, bundler), []);

    for (const entry of ['client/index', 'daemon/index', 'wire/index', 'cli/main']) {
      const { sources, sourcesContent }: { sources: string[]; sourcesContent?: string[] } = JSON.parse(
        readFileSync(join(installed, `dist/${entry}.js.map`), 'utf8'),
      );
      t.equal(sourcesContent?.length, sources.length, entry);
    }
  },
);
