/**
 * Does the time of a refused login tell whether there is such an account? Against a running API (`npm run dev`):
 *
 *     npx node bench/login.ts [http://localhost:8787] [rounds]
 *
 * Prints the median and the quartiles, in milliseconds, of logins refused for an unknown username and for a wrong
 * password, taken in turns so that both see the same machine. Each username is tried once: attempts are limited.
 */
const [origin = "http://localhost:8787", rounds = "30"] = process.argv.slice(2);

const post = (path: string, body: unknown) =>
  fetch(`${origin}/api/auth/${path}/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

async function refusalTime(username: string): Promise<number> {
  const start = performance.now();
  const { status } = await post("login", { username, password: "not the password" });
  if (status !== 401) throw new Error(`login answered ${status}`);
  return performance.now() - start;
}

function summary(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const [low, median, high] = [0.25, 0.5, 0.75].map((q) => sorted[Math.floor(q * sorted.length)]?.toFixed(1));
  return `${median} (${low}–${high})`;
}

const unknown: number[] = [];
const wrong: number[] = [];
for (let round = 0; round < Number(rounds); round += 1) {
  const username = `bench-${crypto.randomUUID()}`;
  const registered = await post("register", {
    username,
    email: "bench@example.org",
    password: "correct horse",
  });
  if (registered.status !== 201) throw new Error(`register answered ${registered.status}`);
  wrong.push(await refusalTime(username));
  unknown.push(await refusalTime(`nobody-${crypto.randomUUID()}`));
}
console.log(`unknown username  ${summary(unknown)} ms\nwrong password    ${summary(wrong)} ms`);
