import { newAccount, type TestAccount } from "./accounts.ts";
import { asOwner } from "./owner.ts";
import { idsOf } from "./pages.ts";
import { postDoctor } from "./resources.ts";

export const patientPath = ({ id }: { id: number }) => `/api/patients/${id}/`;
export const postRestore = (account: TestAccount, patient: { id: number }, query = "") =>
  account.post(`${patientPath(patient)}restore/${query}`);
export const REASON = "Ward 3 takes over.";
export const postTransfer = (
  account: TestAccount,
  patient: { id: number },
  to: { id: number },
  reason: unknown = REASON,
) => account.post(`${patientPath(patient)}transfer/`, { to: to.id, reason });
export const postEmergencyAccess = (
  account: TestAccount,
  patient: { id: number },
  reason: unknown = "Nobody else is here.",
) => account.post(`${patientPath(patient)}access/`, { reason });
export const postErase = (
  account: TestAccount,
  patient: { id: number },
  reason: unknown = "Request 2026-117 to erase all data.",
) => account.post(`${patientPath(patient)}erase/`, { reason });
export const deletedPatientsOf = async (account: TestAccount) =>
  idsOf(await account.get("/api/patients/?deleted=true"));
export const patientsOf = async (account: TestAccount) => idsOf(await account.get("/api/patients/"));
/** Links an account to its doctor, or to none. */
export const linkDoctor = (account: TestAccount, doctor: { id: number } | null) =>
  asOwner`UPDATE users SET doctor_id = ${doctor?.id ?? null}::int WHERE id = ${account.id}`;

/** Creates an account that is linked to a new doctor, whom `by` creates. */
export async function newDoctorsAccount(by: TestAccount) {
  const [account, doctor] = [await newAccount(by.api), await postDoctor(by)];
  await linkDoctor(account, doctor);
  return { account, doctor };
}
/** Merges a patient into another one. */
export const postMerge = (
  account: TestAccount,
  patient: { id: number },
  into: { id: number },
  body: object = {},
  headers: Record<string, string> = {},
) => account.post(`${patientPath(patient)}merge/`, { into: into.id, ...body }, { headers });
export const postUnmerge = (account: TestAccount, patient: { id: number }) =>
  account.post(`${patientPath(patient)}unmerge/`);
