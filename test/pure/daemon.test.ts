import t from 'tap';
import { RefusalWarnings } from '../../src/daemon/refusals.js';
import { VirtualTime } from '../support/virtual-time.js';

t.test('refused connections: the first is told at once, those that follow once a minute', async (t) => {
  const time = new VirtualTime();
  const told: unknown[] = [];
  const warnings = new RefusalWarnings({ warn: (fields, message) => told.push([fields, message]) }, time);
  const busy = (refused: number) => [{ refused }, 'connections refused: at max-conns'];
  const news = () => told.splice(0);

  for (let n = 0; n < 1_000; n++) warnings.refused('busy');
  t.strictSame(news(), [busy(1)]);
  warnings.refused('per_ip');
  t.strictSame(news(), [[{ refused: 1 }, 'connections refused: at max-conns-per-ip']], 'each cause by itself');
  time.advance(60_000);
  t.strictSame(news(), [busy(999)]);
  time.advance(60_000);
  t.strictSame(news(), [], 'nobody was refused');
  warnings.refused('busy');
  t.strictSame(news(), [busy(1)], 'at once, after a quiet minute');

  warnings.refused('draining');
  t.strictSame(news(), [], 'as it should be');
  warnings.refused('busy');
  warnings.stop();
  time.advance(120_000);
  t.strictSame(news(), []);
});
