import type { clinicRoles } from "../../src/db/schema.ts";
import { newAccount, type TestAccount, uniqueName, withToken } from "./accounts.ts";
import type { Api } from "./api.ts";
import { asOwner } from "./owner.ts";

type ClinicRole = (typeof clinicRoles)[number];

/** Makes an account a member of a shared clinic, or changes its role there. */
export const addMember = (clinic: number, account: { id: number }, role: ClinicRole) => asOwner`
  INSERT INTO memberships (clinic_id, account_id, role, time_zone, clinic_active)
  SELECT id, ${account.id}, ${role}, time_zone, active FROM clinics WHERE id = ${clinic}
  ON CONFLICT (clinic_id, account_id) DO UPDATE SET role = EXCLUDED.role, ended_at = NULL`;

/** Ends a membership. */
export const endMembership = (clinic: number, account: { id: number }) => asOwner`
  UPDATE memberships SET ended_at = now() WHERE clinic_id = ${clinic} AND account_id = ${account.id}`;

/** Creates a shared clinic without members by SQL. */
export async function newClinic(timeZone = ""): Promise<number> {
  const [row] = await asOwner`
    INSERT INTO clinics (name, kind, time_zone) VALUES (${uniqueName("clinic ")}, 'shared', ${timeZone}) RETURNING id`;
  return Number(row?.["id"]);
}

/** The same session after it has moved to a clinic, with a token for it. */
export async function movedTo(clinic: number, account: TestAccount): Promise<TestAccount> {
  await asOwner`UPDATE sessions SET clinic_id = ${clinic} WHERE id = ${account.sid}::uuid`;
  return { ...(await withToken(account, { clinic })), clinic };
}

/** Creates an account whose session works in a clinic. */
export async function newMember(api: Api, clinic: number, role: ClinicRole): Promise<TestAccount> {
  const account = await newAccount(api);
  await addMember(clinic, account, role);
  return movedTo(clinic, account);
}
