// A program in a project that has installed the package: compiled against it, and run with it.
import { createClient, type NewPatient, type Patient, type ProblemCode, ProblemError } from "hospital-api";

const [url = "", username = ""] = process.argv.slice(2);
const api = createClient({ url });
const password = "correct horse battery";
await api.register({ username, email: `${username}@example.org`, password });
await api.login({ username, password });

const sent: NewPatient = {
  firstname: "Ada",
  lastname: "Lovelace",
  email: "ada@example.org",
  age: 36,
  gender: "F",
};
const created: Patient = await api.patients.create(sent);
const listed: Patient[] = [];
for await (const patient of api.patients.list({ limit: 1 })) listed.push(patient);
const changed = await api.patients.update(created.id, { age: 37 });

async function problemOf(call: Promise<unknown>): Promise<{ code: ProblemCode | undefined; errors: object }> {
  try {
    await call;
    return { code: undefined, errors: {} };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    const { code, errors } = error;
    return { code, errors };
  }
}
const duplicate = await problemOf(api.patients.create(sent));
const conflict = await problemOf(api.patients.update(created.id, { age: 38 }, { ifMatch: created }));
const invalid = await problemOf(api.patients.update(created.id, { age: 121 }));

// @ts-expect-error: a value that the API rejects
const invalidGender = () => api.patients.create({ ...sent, gender: "female" });
// @ts-expect-error: a filter that does not exist
const unknownFilter = () => api.patients.list({ serach: "lov" });

console.log(
  JSON.stringify({
    created,
    listed,
    changed,
    duplicate,
    conflict,
    invalid,
    rejected: [invalidGender, unknownFilter].length,
  }),
);
