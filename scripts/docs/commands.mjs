/** The reference of the command line in docs/CLI.md, made of the commands' own definitions. */
import { Command } from 'commander';
import { COMMANDS } from '../../dist/cli/commands.js';
import { EXIT_CODES } from '../../dist/cli/exit-codes.js';
import { configFlags } from '../../dist/config/index.js';

const CONFIG_FLAGS = configFlags().map(({ flags }) => flags);

/** What a cell of a table may hold. */
const cell = (text) => text.replaceAll('|', '\\|');
const code = (text) => `\`${cell(text)}\``;

/** What the help of a command says below its options. */
function footer(command) {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  return help.slice(command.helpInformation().length).trim();
}

function optionRow({ flags, description, argChoices, defaultValue, defaultValueDescription, envVar }) {
  const fallback = defaultValueDescription ?? defaultValue;
  const facts = [
    argChoices && `one of ${argChoices.join(', ')}`,
    fallback !== undefined && fallback !== '' && `default ${fallback}`,
    envVar && `variable ${code(envVar)}`,
  ].filter(Boolean);
  return `| ${code(flags)} | ${cell(description)}${facts.length > 0 ? `. ${capital(facts.join('; '))}` : ''} |`;
}

const capital = (sentence) => sentence.charAt(0).toUpperCase() + sentence.slice(1);

async function section([name, { summary, load }]) {
  const command = new Command(name).description(summary);
  const { define } = await load();
  define(command);
  const usage = command.usage().replace('[options]', '').trim();
  const flags = command.options.map((option) => option.flags);
  const isConfigured = CONFIG_FLAGS.every((flag) => flags.includes(flag));
  const own = command.options.filter(
    (option) => !option.hidden && !(isConfigured && CONFIG_FLAGS.includes(option.flags)),
  );
  const rows = own.map(optionRow);
  if (isConfigured) {
    rows.unshift('| | every flag of [CONFIGURATION.md](CONFIGURATION.md#options) |');
  }
  const help = footer(command);
  return [
    `### ${name}`,
    `${capital(summary)}.`,
    `\`push-daemon ${[name, '[options]', usage].filter(Boolean).join(' ')}\``,
    ['| option | meaning |', '|---|---|', ...rows].join('\n'),
    ...(help === '' ? [] : [`\`\`\`text\n${help}\n\`\`\``]),
  ].join('\n\n');
}

export const commandsReference = async () => (await Promise.all(Object.entries(COMMANDS).map(section))).join('\n\n');

export const exitCodesTable = () => {
  const rows = Object.values(EXIT_CODES).map(({ code, meaning }) => `| ${code} | ${meaning} |`);
  return ['| code | meaning |', '|---|---|', ...rows].join('\n');
};
