import type { Cost } from "./results.ts";

/** US dollars: https://developers.cloudflare.com/workers/platform/pricing/ and https://neon.com/pricing, November 2026. */
const MILLION_REQUESTS = 0.3;
const MILLION_CPU_MS = 0.02;
/** Of the plan Launch; it is 0.222 on Scale. */
const CU_HOUR = 0.106;
const GIGABYTE = 0.1;

/** Which part of the CPU that Neon is paid for is at work: a compute that is always busy answers late. */
const UTILISATION = 0.3;

/** What a million requests cost: Cloudflare's requests, its CPU, Neon's compute, its transfer. */
export function pricesOf({ product, asks }: Cost): number[] {
  const cpu = product.worker.median * MILLION_CPU_MS;
  if (asks === 0) return [MILLION_REQUESTS, cpu, 0, 0];
  const cuHours = (product.postgres.median * 1e6) / 3_600_000 / UTILISATION;
  const gigabytes = (product.databaseBytes.median * 1e6) / 1e9;
  return [MILLION_REQUESTS, cpu, cuHours * CU_HOUR, gigabytes * GIGABYTE];
}
