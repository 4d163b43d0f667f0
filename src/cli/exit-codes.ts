/** The one table of exit codes: what the process ends with, what `--help` says, and the documentation. */
export const EXIT_CODES = {
  ok: { code: 0, meaning: 'done, or ended by a signal in good order' },
  failed: { code: 1, meaning: 'the work failed: something was not acknowledged, or --check found fault' },
  usage: { code: 2, meaning: 'the command line or the configuration is wrong' },
  unreachable: { code: 3, meaning: 'cannot connect, was refused by the daemon, or cannot listen' },
  internal: { code: 4, meaning: 'a fault of push-daemon itself' },
} as const;

export type ExitName = keyof typeof EXIT_CODES;

/** The table as it stands below `--help`. */
export const exitCodesHelp = (): string => {
  const lines = Object.values(EXIT_CODES).map(({ code, meaning }) => `  ${code}  ${meaning}`);
  return ['', 'Exit codes:', ...lines].join('\n');
};
