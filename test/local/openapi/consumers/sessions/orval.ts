import {
  createPatient,
  exportPatients,
  type Gender,
  importPatients,
  listPatients,
  login,
  type Patient,
  patchPatientByPut,
  register,
  type TokenPair,
  updatePatient,
} from "../generated/orval";
import { csv, grace, password, username } from "./values";

await register({ username, email: "ada@example.org", password });
const tokens = (await login({ username, password })).data as TokenPair;
const auth = { headers: { Authorization: `Bearer ${tokens.access}` } };

const created = (await createPatient(grace, {}, auth)).data as Patient;
const gender: Gender = created.gender;
const listed = await listPatients({ search: "hop", deleted: false }, auth);
const headers = { ...auth.headers, "If-Match": `"${created.version}"` };
const changed = await patchPatientByPut(created.id, { ...created, age: 86 }, { headers });
const stale = await updatePatient(created.id, { age: 87 }, { headers });
const invalid = await updatePatient(created.id, { age: 121 }, auth);
const imported = await importPatients(new Blob([csv]), { partial: true }, auth);
const exported = await exportPatients({ bom: false }, { headers: { ...auth.headers, Accept: "text/csv" } });

console.log(
  JSON.stringify({
    gender,
    listed: listed.status === 200 && listed.data.map(({ id }) => id === created.id),
    changed: changed.status === 200 && changed.data.age,
    stale: stale.status,
    invalid: invalid.status === 400 && Object.keys(invalid.data.errors ?? {}),
    imported: imported.status === 200 && imported.data.created.map(({ line }) => line),
    exported: "stream" in exported && (await exported.stream.text()).split("\r\n").length,
  }),
);
