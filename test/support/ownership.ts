import { type Account, newAccount } from "./accounts.ts";
import { asOwner } from "./owner.ts";
import { idsOf } from "./pages.ts";
import { createDoctor } from "./resources.ts";

export const pathOf = ({ id }: { id: number }) => `/api/patients/${id}/`;
export const restore = (account: Account, patient: { id: number }, query = "") =>
  account.post(`${pathOf(patient)}restore/${query}`);
export const transfer = (account: Account, patient: { id: number }, to: { id: number }) =>
  account.post(`${pathOf(patient)}transfer/`, { to: to.id });
export const open = (account: Account, patient: { id: number }, reason: unknown = "Nobody else is here.") =>
  account.post(`${pathOf(patient)}access/`, { reason });
export const deletedOf = async (account: Account) => idsOf(await account.get("/api/patients/?deleted=true"));
export const ownOf = async (account: Account) => idsOf(await account.get("/api/patients/"));
/** Links an account to its doctor, or to none. */
export const link = (account: Account, doctor: { id: number } | null) =>
  asOwner`UPDATE users SET doctor_id = ${doctor?.id ?? null}::int WHERE id = ${account.id}`;

/** Creates an account that is linked to a new doctor, whom `by` creates. */
export async function newDoctorsAccount(by: Account) {
  const [account, doctor] = [await newAccount(by.api), await createDoctor(by)];
  await link(account, doctor);
  return { account, doctor };
}
