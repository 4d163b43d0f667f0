import type { Command } from 'commander';
import { header, rate, topic, wait } from '../arguments.js';
import { addConnectionFlags } from '../connection.js';
import type { PubOptions } from './pub.js';

const HELP = `
Without DATA, standard input is published, a line a record. A line is the bytes before a line feed: a carriage return
there is part of it, an empty line is an empty record, and the last line needs no line feed. Every record is
acknowledged by the daemon, or told of on standard error; what has no id of its own is given one, so that a record sent
again after a lost connection is not there twice. With --json each acknowledged record is a line of standard output
(line, topic, epoch, offset, duplicate).`;

const ACK_MS_DEFAULT = 30_000;

export const define = (command: Command): void => {
  addConnectionFlags(command.argument('<topic>', 'the topic', topic).argument('[data...]', 'the records'))
    .option('--id-key <key>', 'records are JSON objects; this member of each, a text or a number, is its id')
    .option('--key <key>', 'key of the records', '')
    .option('--header <name=value>', 'header of the records; may be given again', header)
    .option('--rate <n/s>', 'publish no faster than this', rate)
    .addOption(
      command
        .createOption('--ack-timeout <duration>', 'give up when nothing was acknowledged for so long')
        .default(ACK_MS_DEFAULT, '30s')
        .argParser(wait),
    )
    .option('--json', 'print one JSON object for each acknowledged record')
    .addHelpText('after', HELP)
    .action(async (name: string, data: string[], options: PubOptions) => {
      const { pub } = await import('./pub.js');
      await pub(name, data, options);
    });
};
