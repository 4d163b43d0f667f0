/** A simulation that once showed a fault. What it does changes with the simulator, so each has a test of its own, too. */
export interface Regression {
  readonly seed: number;
  readonly steps: number;
  readonly showed: string;
}

export const REGRESSIONS: readonly Regression[] = [
  { seed: 3, steps: 120, showed: 'a letter of a link was delivered in the middle of another' },
];
