/**
 * A simulation that once showed a fault of the product, or of the simulator. What a seed does changes with both, so that
 * each fault of the product has a small test of its own, too.
 */
export interface Regression {
  readonly seed: number;
  readonly steps: number;
  readonly showed: string;
}

export const REGRESSIONS: readonly Regression[] = [
  { seed: 3, steps: 120, showed: 'a letter of a link was delivered in the middle of another' },
  { seed: 1279, steps: 400, showed: 'a new history was told of twice, because of a fetch' },
  { seed: 1367, steps: 400, showed: 'a severed link whose end had closed never told the other' },
  { seed: 1574, steps: 400, showed: 'the answer to a fetch began with the GAP of a subscription' },
  { seed: 2138, steps: 400, showed: 'a GAP hid that records before it were missing' },
  { seed: 3969, steps: 400, showed: 'a subscription waited for what another, that had ended, would have been told' },
  { seed: 4540, steps: 400, showed: 'records were given up, because an UNSUBSCRIBE had been lost' },
  { seed: 4632, steps: 400, showed: 'the GAP of a subscription was taken for that of a fetch' },
  { seed: 5357, steps: 400, showed: 'a fetch was told of what a subscription had left out' },
  { seed: 5488, steps: 400, showed: 'a fetch whose request was lost was never asked again' },
  { seed: 5627, steps: 400, showed: 'work that waited for a busy process was tried again by the square' },
  { seed: 5658, steps: 400, showed: 'a process was thought to know where an earlier one had only joined' },
  { seed: 5809, steps: 400, showed: 'a window of a few bytes was filled a few bytes at a time' },
  { seed: 35509, steps: 400, showed: 'a fetch began in a history that another fetch had been told of' },
  { seed: 8812, steps: 400, showed: 'stalls added up to more than anybody would wait' },
];
