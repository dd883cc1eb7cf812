/** The middle one of some numbers, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError for no numbers at all. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new RangeError("There is no median of nothing.");
  return (low + high) / 2;
}

/** @throws RangeError for no numbers at all. */
export function spread(numbers: readonly number[]): Spread {
  return { median: median(numbers), min: Math.min(...numbers), max: Math.max(...numbers) };
}

/** What one turn of one contender measured. */
export interface Slice {
  readonly count: number;
  readonly milliseconds: number;
  /** Processor time of the site. */
  readonly microseconds: number;
}

/** What the turns of a contender say, each beside the bare framework's turn of the same round. */
export interface Comparison {
  readonly perSecond: Spread;
  /** Requests per second, as a share of the bare framework's. */
  readonly ratio: Spread;
  /** Processor time of a request, in microseconds. */
  readonly cpu: Spread;
  /** How much of it the bare framework does not use. */
  readonly added: Spread;
}

/** @throws RangeError when there are not as many turns of one as of the other, or none. */
export function compare(slices: readonly Slice[], bare: readonly Slice[]): Comparison {
  if (slices.length !== bare.length) throw new RangeError("Every turn needs one of the bare framework.");
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
