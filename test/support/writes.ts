import { type Account, asOwner, create } from "./fixtures.ts";

/** The three ways a value gets into a record. */
export const writes = ["POST", "PUT", "PATCH"] as const;
type Write = (typeof writes)[number];

/** A list's path, and what makes a valid record of it. */
export interface Resource {
  path: string;
  valid(fields?: Record<string, unknown>): Record<string, unknown>;
}

/** Sends `fields` to be kept: the answer, and what a `GET` says of the record afterwards. */
export async function write(
  account: Account,
  method: Write,
  { path, valid }: Resource,
  fields: Record<string, unknown>,
) {
  if (method === "POST") {
    const answer = await account.post(path, valid(fields));
    return { answer, kept: (await account.get(`${path}${answer.body.id}/`)).body };
  }
  const { id } = await create(account, path, valid());
  const answer = await change(account, method, `${path}${id}/`, fields);
  return { answer, kept: (await account.get(`${path}${id}/`)).body };
}

/** Sends `fields` to be refused: the answer, and what there was `before` and `after`. */
export async function writeInVain(
  account: Account,
  method: Write,
  { path, valid }: Resource,
  fields: Record<string, unknown>,
) {
  if (method === "POST") {
    const before = await recordsOf(account);
    return { answer: await account.post(path, valid(fields)), before, after: await recordsOf(account) };
  }
  const before = await create(account, path, valid());
  const answer = await change(account, method, `${path}${before.id}/`, fields);
  return { answer, before, after: (await account.get(`${path}${before.id}/`)).body };
}

const change = (account: Account, method: Write, path: string, fields: Record<string, unknown>) =>
  method === "PUT" ? account.put(path, fields) : account.patch(path, fields);

/** How many patients and doctors an account has created. */
async function recordsOf({ id }: Account) {
  const [row] = await asOwner`
    SELECT (SELECT count(*) FROM patients WHERE created_by = ${id})::int AS patients,
           (SELECT count(*) FROM doctors WHERE created_by = ${id})::int AS doctors`;
  return row;
}
