import type { Gender, Patient } from "../generated/hey-api";
import {
  createPatient,
  exportPatients,
  importPatients,
  listPatients,
  login,
  patchPatientByPut,
  register,
  updatePatient,
} from "../generated/hey-api";
import { client } from "../generated/hey-api/client.gen";
import { csv, grace, origin, password, username } from "./values";

client.setConfig({ baseUrl: origin });
await register({ body: { username, email: "ada@example.org", password } });
const { data: tokens } = await login({ body: { username, password } });
client.setConfig({ baseUrl: origin, auth: () => tokens?.access });

const created = (await createPatient({ body: grace })).data as Patient;
const gender: Gender = created.gender;
const listed = await listPatients({ query: { search: "hop", deleted: false } });
const path = { id: created.id };
const headers = { "If-Match": `"${created.version}"` };
const changed = await patchPatientByPut({ path, headers, body: { ...created, age: 86 } });
const stale = await updatePatient({ path, headers, body: { age: 87 } });
const invalid = await updatePatient({ path, body: { age: 121 } });
const imported = await importPatients({ query: { partial: true }, body: new Blob([csv]) });
const exported = await exportPatients({ headers: { Accept: "text/csv" } });

console.log(
  JSON.stringify({
    gender,
    listed: listed.data?.map(({ id }) => id === created.id),
    changed: changed.data?.age,
    stale: stale.error?.status,
    invalid: Object.keys(invalid.error?.errors ?? {}),
    imported: imported.data?.created.map(({ line }) => line),
    exported: exported.data?.split("\r\n").length,
  }),
);
