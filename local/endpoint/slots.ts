/** Takes a slot and gives back how to let go of it. */
export type TakeSlot = (signal: AbortSignal) => Promise<() => void>;

/**
 * A number of slots; who comes when all are taken waits, first come first served, until one is free or its signal
 * aborts (then it gets the signal's reason).
 */
export function createSlots(count: number): TakeSlot {
  const waiting = new Set<() => void>();
  let free = count;

  function release(): void {
    free += 1;
    const [next] = waiting;
    next?.();
  }

  return (signal) =>
    new Promise((resolve, reject) => {
      function take(): void {
        waiting.delete(take);
        signal.removeEventListener("abort", leave);
        free -= 1;
        resolve(release);
      }
      function leave(): void {
        waiting.delete(take);
        reject(signal.reason);
      }
      if (signal.aborted) return leave();
      if (free > 0) return take();
      signal.addEventListener("abort", leave, { once: true });
      waiting.add(take);
    });
}
