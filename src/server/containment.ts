/** One whose failure must concern nobody else. */
export interface Contained {
  /** Something of its own has thrown: a fault of this program, for what a peer does wrong is never thrown. */
  failed(error: unknown): void;
}

/**
 * The boundary of errors. Whatever the world, a timer or the fan-out has one connection do, it does in here, and what is
 * thrown ends that connection alone. `work` is handed its owner so that the hot path needs no closure of its own.
 */
export function contain<T extends Contained>(owner: T, work: (owner: T) => void): void {
  try {
    work(owner);
  } catch (error) {
    owner.failed(error);
  }
}
