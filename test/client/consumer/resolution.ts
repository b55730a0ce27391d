// A program that imports the package by both of its names. It is compiled for each kind of module and resolution.
import { createClient, type Patient, ProblemError } from "hospital-api";
import { createClient as createClientToo, etagOf } from "hospital-api/client";

const url = String(process.argv[2]);
const api = createClient({ url });
// @ts-expect-error: the types of the package are found, so a wrong one is noticed
const age = (patient: Patient): string => patient.age;

async function main(): Promise<void> {
  const { status } = await api.health();
  const problem = await api.patients.get(1).catch((error: unknown) => error);
  const isProblem = problem instanceof ProblemError && problem.status === 401;
  const isSame = createClient === createClientToo;
  console.log(JSON.stringify({ status, isProblem, isSame, etag: etagOf({}) ?? typeof age }));
}
main();
