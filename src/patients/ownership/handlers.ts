import { createFactory } from "hono/factory";
import type { GuardedEnv } from "../../auth/require-account.ts";
import { breaks } from "../../db/errors.ts";
import { ById } from "../../http/fields.ts";
import { invalidFields, Problem, requireAdmin, requireFound } from "../../http/problems.ts";
import { respond } from "../../http/respond.ts";
import { validate } from "../../http/validation.ts";
import { AccountTransfer, Reason, Receiver, RestoreQuery } from "../requests.ts";
import { openPatient } from "./emergency-access-queries.ts";
import { restorePatient, transferPatient, transferPatients } from "./queries.ts";

const { createHandlers } = createFactory<GuardedEnv>();

/** Waits for a statement. @throws {Problem} 409 with `detail` when it would give an account two patients with one email */
const unlessTaken = <Done>(done: Promise<Done>, detail: string): Promise<Done> =>
  done.catch((error: unknown) => {
    throw breaks(error, "patients_owner_id_email_key") ? new Problem(409, detail) : error;
  });

/** `POST /:id/restore`: brings a deleted patient back. */
export const restoring = createHandlers(
  validate("param", ById),
  validate("query", RestoreQuery),
  async (c) => {
    const { partial = false } = c.req.valid("query");
    const restore = () => restorePatient(c.get("caller"), { ...c.req.valid("param"), partial });
    const statement = restore().catch((error: unknown) => {
      // A doctor was deleted meanwhile: too late for what the statement looked at, in time for the foreign key.
      if (!breaks(error, "mappings_doctor_fkey")) throw error;
      return restore();
    });
    const { body, taken, missing } = await unlessTaken(statement, EMAIL_TAKEN);
    if (taken) throw new Problem(409, EMAIL_TAKEN);
    if (body === null && missing.length > 0) throw doctorsGone(missing);
    return respond(requireFound(body, "deleted patient"));
  },
);

const EMAIL_TAKEN = "Another patient has this one's email now.";
const doctorsGone = (missing: number[]) =>
  new Problem(
    409,
    `Doctor ${missing.join(", ")} of this patient's assignments is gone; ?partial=true restores it without those.`,
  );

/** `POST /:id/transfer`: hands a patient over. */
export const transferring = createHandlers(validate("param", ById), validate("json", Receiver), async (c) => {
  const statement = transferPatient(c.get("caller"), { ...c.req.valid("param"), ...c.req.valid("json") });
  const done = await unlessTaken(statement, EMAIL_HAD);
  requireAdmin(done.admin, "hand patients over");
  if (!done.receiver) throw invalidFields({ to: [NO_ACCOUNT] });
  if (done.taken) throw new Problem(409, EMAIL_HAD);
  return respond(requireFound(done.body, "patient"));
});

const EMAIL_HAD = "That account has a patient with this one's email already.";
const NO_ACCOUNT = "There is no such active account.";

/** `POST /transfer`: hands all of an account's patients over. */
export const transferringAll = createHandlers(validate("json", AccountTransfer), async (c) => {
  const statement = transferPatients(c.get("caller"), c.req.valid("json"));
  const done = await unlessTaken(statement, "That account has just got a patient with one of these emails.");
  requireAdmin(done.admin, "hand patients over");
  if (done.body) return respond(done.body);
  throw invalidFields({
    ...(!done.giver && { from: ["There is no such account."] }),
    ...(!done.receiver && { to: [NO_ACCOUNT] }),
  });
});

/** `POST /:id/access`: opens somebody else's patient to an admin who says why ("break the glass"). */
export const opening = createHandlers(validate("param", ById), validate("json", Reason), async (c) => {
  const { admin, body } = await openPatient(c.get("caller"), {
    ...c.req.valid("param"),
    ...c.req.valid("json"),
  });
  requireAdmin(admin, "open a patient of somebody else's");
  return respond(requireFound(body, "patient"), 201);
});
