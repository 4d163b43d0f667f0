/** The commands. Each is loaded only when it is the one that was asked for: a daemon has no need of the SDK. */
export const COMMANDS = {
  serve: { summary: 'run the daemon (the default command)', load: () => import('./serve/index.js') },
  check: { summary: 'show what the configuration comes to, without starting', load: () => import('./check.js') },
  sub: { summary: 'subscribe, and print what comes as lines', load: () => import('./sub/index.js') },
  pub: { summary: 'publish arguments, or standard input a line a record', load: () => import('./pub/index.js') },
  status: { summary: 'look at a running daemon', load: () => import('./status/index.js') },
  demo: { summary: 'watch a daemon at work, being killed and coming back', load: () => import('./demo/index.js') },
} as const;

export const isCommand = (name: string | undefined): name is keyof typeof COMMANDS =>
  name !== undefined && Object.hasOwn(COMMANDS, name);
