import { onTestFinished, vi } from "vitest";

/** Listens to the console until the test ends; the function it gives back says what the Worker has written, line by line. */
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
