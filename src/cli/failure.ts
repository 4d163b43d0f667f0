import { CommanderError } from 'commander';
import { EXIT_CODES, type ExitName } from './exit-codes.js';

/** Ends the command with a message for the user, of one line or more, and an exit code. */
export class Failure extends Error {
  readonly exit: ExitName;

  constructor(exit: ExitName, message: string) {
    super(message);
    this.name = 'Failure';
    this.exit = exit;
  }
}

/** What the user is told of an error, and the exit code that goes with it. Nobody is ever shown a stack. */
export const judge = (error: unknown): { readonly code: number; readonly message: string | undefined } => {
  if (error instanceof Failure) return { code: EXIT_CODES[error.exit].code, message: error.message };
  // Commander has printed its own message, or the help that was asked for.
  if (error instanceof CommanderError) {
    return { code: error.exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.usage.code, message: undefined };
  }
  // The reader of standard output has seen enough, as in `push-daemon check | head -3`. No other stream's error comes here.
  if (isSystemError(error) && error.syscall === 'write' && error.code === 'EPIPE') {
    return { code: EXIT_CODES.ok.code, message: undefined };
  }
  const text = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).replaceAll(/\s+/g, ' ');
  return { code: EXIT_CODES.internal.code, message: `internal error, please report it: ${text}` };
};

/** In plain words, the system errors that a user can do something about. */
const SYSTEM_ERRORS: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'the port is taken'],
  ['EADDRNOTAVAIL', 'this machine does not have that address'],
  ['EACCES', 'permission denied'],
  ['ENOTFOUND', 'no such host'],
  ['EAI_AGAIN', 'the name of the host cannot be looked up now'],
  ['ECONNREFUSED', 'nothing listens there'],
  ['ECONNRESET', 'the connection was broken off'],
  ['ETIMEDOUT', 'no answer'],
  ['EHOSTUNREACH', 'the host cannot be reached'],
  ['ENETUNREACH', 'the network cannot be reached'],
  ['EMFILE', 'no file descriptors are left'],
  ['ENOSPC', 'no space is left'],
]);

/** The code of a system error, with what it means: `the port is taken (EADDRINUSE)`. */
export const explainCode = (code: string): string => {
  const words = SYSTEM_ERRORS.get(code);
  return words === undefined ? code : `${words} (${code})`;
};

/** Whether an error was made by the system, rather than by a mistake in a program. */
export const isSystemError = (error: unknown): error is NodeJS.ErrnoException & { readonly code: string } =>
  error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
