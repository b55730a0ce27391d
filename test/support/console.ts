import { onTestFinished, vi } from "vitest";

/** Records the console until the test ends. @returns a function that returns the lines so far. */
export function watchConsole(): () => string[] {
  const lines: string[] = [];
  for (const level of ["debug", "log", "info", "warn", "error"] as const) {
    const spy = vi
      .spyOn(console, level)
      .mockImplementation((...words) => void lines.push(words.map(String).join(" ")));
    onTestFinished(() => spy.mockRestore());
  }
  return () => lines;
}
