import type { Command } from 'commander';
import { integer, topics } from '../arguments.js';
import { addConnectionFlags } from '../connection.js';
import { FROM_FORMS, parseFrom } from './from.js';
import type { SubOptions } from './sub.js';

const HELP = `
Topics may be patterns: * stands for one token, a final > for one or more (quote them: 'machine.>').
Data goes to standard output, a line a record; all else to standard error.
With --json every line is an object with "type": "message" (topic, epoch, offset, timestamp, ageMs, key, headers, id,
data; "encoding": "base64" where the data is no text) or "gap" (topic, epoch, fromOffset, toOffset, reason). With
--check as well, the last line of standard error is one of "type": "summary" (seconds, records, lost, missing,
duplicates, reordered, epochChanges; ageMs: p50, p90, p99, p999, max, or null if there was no record).
Topics that overlap are subscriptions of their own: a record may be printed, and counted, for each of them.
--check sees what the SDK delivers, which goes on where it was, drops what came before, and asks again for what is
missing: faults of the link that it mends are not seen; losses that stay, lost histories, and faults of the SDK are.
A reader that goes away (sub … | head -2) is noticed when the next record is written: --count 2 ends it at once.`;

export const define = (command: Command): void => {
  addConnectionFlags(command.argument('<topic...>', 'topics and patterns', topics))
    .addOption(
      command.createOption('--from <where>', `where to begin: ${FROM_FORMS}`).default('latest').argParser(parseFrom),
    )
    .addOption(
      command
        .createOption('--on-lag <policy>', 'what happens if this end cannot keep up')
        .choices(['wait', 'skip', 'latest-per-key', 'disconnect'])
        .default('wait'),
    )
    .option('--json', 'print one JSON object a line')
    .option('--count <n>', 'end after so many records', integer(1))
    .option('--check', 'verify order, gaps and duplicates; tell at the end, with ages; exit 1 if anything was wrong')
    .addHelpText('after', HELP)
    .action(async (names: readonly string[], options: SubOptions) => {
      const { sub } = await import('./sub.js');
      await sub(names, options);
    });
};
