import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { loadConfig } from '../../src/config/index.js';
import { startDaemon } from '../../src/daemon/index.js';

const missing = spawnSync('prometheus', ['--version']).error !== undefined;
if (missing && process.env.CI === 'true') t.fail('prometheus is not installed, and CI has to have it');

/** How long a real Prometheus may take to have scraped twice, on a busy machine. */
const PATIENCE_MS = 60_000;

const skip = missing && 'prometheus is not installed (Debian package prometheus)';

t.test('M1 a real Prometheus scrapes the daemon', { skip, timeout: PATIENCE_MS * 2 }, async (t) => {
  const daemon = await startQuietDaemon(t);
  const url = await startPrometheus(t, daemon.metricsAddress.port);

  t.equal(await scraped(url, 'up{job="push-daemon"}'), '1');
  t.equal(await scraped(url, 'push_daemon_connections'), '0');
  t.equal(await scraped(url, 'push_daemon_connections_limit'), '7');
  t.equal(await scraped(url, 'count(push_daemon_build_info)'), '1');
});

async function startQuietDaemon(t: Test) {
  const flags = { port: '0', metricsPort: '0', maxConns: '7', logLevel: 'silent' };
  const loaded = loadConfig({ flags, env: {}, readFile: () => '' });
  if (!loaded.ok) throw new Error('the configuration of this test is wrong');
  const daemon = await startDaemon({ config: loaded.config });
  t.teardown(() => daemon.stop());
  return daemon;
}

async function startPrometheus(t: Test, target: number): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'push-daemon-prometheus-'));
  const config = join(directory, 'prometheus.yml');
  writeFileSync(
    config,
    `scrape_configs: [{ job_name: push-daemon, scrape_interval: 1s, static_configs: [{ targets: ['127.0.0.1:${target}'] }] }]`,
  );
  const port = await freePort();
  const prometheus = spawn('prometheus', [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  prometheus.stderr.resume();
  t.teardown(async () => {
    prometheus.kill('SIGKILL');
    await once(prometheus, 'exit');
    rmSync(directory, { recursive: true });
  });
  return `http://127.0.0.1:${port}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Asks until Prometheus has a value. It scrapes when it likes and tells nobody, so there is nothing to wait for but the answer. */
async function scraped(url: string, query: string): Promise<string | undefined> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const value = await ask(url, query).catch(() => undefined);
    if (value !== undefined) return value;
    await delay(200);
  }
  return undefined;
}

async function ask(url: string, query: string): Promise<string | undefined> {
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
  const body = (await response.json()) as { data: { result: { value: [number, string] }[] } };
  return body.data.result[0]?.value[1];
}
