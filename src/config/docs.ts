import { allowed } from './kinds.js';
import { envName, fileKey, flagName } from './names.js';
import { KEYS, OPTIONS } from './options.js';

/** The table of options in docs/CONFIGURATION.md. */
export const optionsTable = (): string => {
  const rows = KEYS.map((key) => {
    const { value, description, default: fallback, reason, reload } = OPTIONS[key];
    const names = `\`${flagName(key)}\`<br>\`${envName(key)}\``;
    return `| ${names} | ${description}. ${capital(allowed(value))}. | \`${fallback}\`: ${reason} | ${reload} |`;
  });
  return ['| flag, variable | meaning | default | a reload acts |', '|---|---|---|---|', ...rows].join('\n');
};

/** config/push-daemon.yaml: every option at its default, commented out. */
export const exampleFile = (): string => {
  const blocks = KEYS.map((key) => {
    const { value, description, default: fallback, reason } = OPTIONS[key];
    return [
      `# ${capital(description)}: ${allowed(value)}.`,
      `# The default: ${reason}.`,
      `# ${fileKey(key)}: ${fallback}`,
      '',
    ].join('\n');
  });
  return [HEAD, ...blocks].join('\n');
};

const HEAD = `# The configuration of push-daemon, with every option at its default. Flags go before environment variables, these
# before this file. Check it with \`push-daemon check --config FILE\`; SIGHUP reloads it.
`;

const capital = (sentence: string): string => sentence.charAt(0).toUpperCase() + sentence.slice(1);
