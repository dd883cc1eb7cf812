/**
 * Returns the answer if it arrives before the deadline. Otherwise throws the fault, and passes a late answer to `onLate`.
 *
 * @param deadline by `performance.now()`.
 */
export async function inTime<T>(
  answer: PromiseLike<T>,
  deadline: number,
  fault: () => Error,
  onLate: (answer: T) => void = ignore,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        over = true;
        reject(fault());
      },
      Math.max(0, deadline - performance.now()),
    );
  });
  const settled = async (): Promise<T> => {
    const value = await answer;
    if (over) onLate(value);
    return value;
  };
  try {
    return await Promise.race([settled(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function ignore(): void {}
