/** The median of some numbers, and their quartiles: half of the numbers lie between `low` and `high`. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** @throws RangeError for no numbers at all. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new RangeError("An empty list has no median.");
  return (low + high) / 2;
}

/** @throws RangeError for no numbers at all. */
export function spread(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((one, other) => one - other);
  const half = Math.ceil(sorted.length / 2);
  return { median: median(sorted), low: median(sorted.slice(0, half)), high: median(sorted.slice(-half)) };
}

/** The measurement of one turn of one contender. */
export interface Slice {
  readonly count: number;
  readonly milliseconds: number;
  /** Processor time of the site. */
  readonly microseconds: number;
}

/** The turns of a contender, each compared with the bare framework's turn in the same round. */
export interface Comparison {
  readonly perSecond: Spread;
  /** Requests per second, as a share of the bare framework's. */
  readonly ratio: Spread;
  /** Processor time of a request, in microseconds. */
  readonly cpu: Spread;
  /** The processor time beyond the bare framework's. */
  readonly added: Spread;
}

/** @throws RangeError if the two have different numbers of turns, or none. */
export function compare(slices: readonly Slice[], bare: readonly Slice[]): Comparison {
  if (slices.length !== bare.length)
    throw new RangeError("Each turn must be compared with a turn of the bare framework.");
  const rounds = slices.map((slice, round) => {
    const other = bare[round] ?? slice;
    return {
      perSecond: perSecond(slice),
      ratio: perSecond(slice) / perSecond(other),
      cpu: cpu(slice),
      added: cpu(slice) - cpu(other),
    };
  });
  return {
    perSecond: spread(rounds.map((round) => round.perSecond)),
    ratio: spread(rounds.map((round) => round.ratio)),
    cpu: spread(rounds.map((round) => round.cpu)),
    added: spread(rounds.map((round) => round.added)),
  };
}

function perSecond({ count, milliseconds }: Slice): number {
  return (count * 1000) / milliseconds;
}

function cpu({ count, microseconds }: Slice): number {
  return microseconds / count;
}
