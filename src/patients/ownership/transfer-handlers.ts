import { createFactory } from "hono/factory";
import { isViolationOf } from "../../db/errors.ts";
import type { AuthenticatedEnv } from "../../http/context.ts";
import { IdPath } from "../../http/fields.ts";
import {
  type FieldError,
  type FieldErrors,
  Problem,
  requireFound,
  requireNotMerged,
  validationProblem,
} from "../../http/problems.ts";
import { respondJson } from "../../http/respond.ts";
import { validate } from "../../http/validation.ts";
import { ofSystem, rejectDuplicates } from "./duplicates.ts";
import { type AccountOrClinic, AccountTransfer, clinicIdOf, TransferTarget } from "./requests.ts";
import { transferAllPatients, transferListedPatients } from "./transfer-many-queries.ts";
import { transferPatient } from "./transfer-queries.ts";
import type { TransferState, TransferValues } from "./transfer-steps.ts";

const { createHandlers } = createFactory<AuthenticatedEnv>();

/** `POST /:id/transfer`: transfers a patient to another clinic. */
export const transferHandlers = createHandlers(
  validate("param", IdPath),
  validate("json", TransferTarget),
  async (c) => {
    const values = { ...c.req.valid("param"), ...transferValues(c.req.valid("json")) };
    const result = await rejectDuplicates(
      sendAgainWithoutClinic(() => transferPatient(c.get("caller"), values)),
      receiverHasEmail,
      receiverHasIdentifier,
    );
    requireTransfer(result);
    requireNotMerged(result);
    rejectFields(transferErrors(result, values));
    if (result.isEmailTaken) throw receiverHasEmail();
    if (result.takenSystem !== null) throw receiverHasIdentifier(result.takenSystem);
    return respondJson(requireFound(result.body, "patient"));
  },
);

const transferValues = ({
  to,
  reason,
}: {
  to: AccountOrClinic;
  reason?: string | undefined;
}): TransferValues => ({
  to: clinicIdOf(to),
  to_is_clinic: isClinic(to),
  reason: reason ?? null,
});
const isClinic = (one: AccountOrClinic) => typeof one === "object";

/** The clinic was deleted while the statement waited: its snapshot does not show it, the foreign key does. A new one will. */
const sendAgainWithoutClinic = <Row>(send: () => Promise<Row>): Promise<Row> =>
  send().catch((error: unknown) => {
    if (
      !isViolationOf(error, "patients_owner_id_fkey") &&
      !isViolationOf(error, "patients_deleted_from_fkey")
    )
      throw error;
    return send();
  });

/** @throws {Problem} 403 unless the caller is an admin or manages both clinics */
function requireTransfer({ isAllowed }: TransferState): void {
  if (!isAllowed)
    throw new Problem(
      "admin_required",
      "Only an admin, or a manager of both clinics, may transfer patients.",
    );
}

/** The errors of the fields of a transfer that only the database can find. */
const transferErrors = (
  { isReasonMissing, hasInterimManager }: TransferState,
  { to_is_clinic }: TransferValues,
): FieldErrors => ({
  ...(isReasonMissing && { reason: [{ code: "required", message: "Required" }] }),
  ...(hasInterimManager === null && { to: [to_is_clinic ? NO_ACTIVE_CLINIC : NO_ACTIVE_ACCOUNT] }),
  ...(hasInterimManager && { to: [INTERIM_MANAGER] }),
});

/** @throws {Problem} 400 when there are errors */
function rejectFields(errors: FieldErrors): void {
  if (Object.keys(errors).length > 0) throw validationProblem(errors);
}

const receiverHasEmail = () =>
  new Problem("receiver_has_email", "The receiving account already has a patient with this email.");
const receiverHasIdentifier = (system?: string) =>
  new Problem(
    "receiver_has_identifier",
    `The receiving account already has a patient with an identifier of this one${ofSystem(system)}.`,
    { system },
  );
const receiverGot = (what: "emails" | "identifiers") => () =>
  new Problem(
    "write_conflict",
    `The receiving account just got a patient with one of these ${what}. Nothing was transferred; try again.`,
  );
const NO_ACTIVE_ACCOUNT: FieldError = {
  code: "no_such_record",
  message: "There is no such active account that may own patients.",
};
const NO_ACTIVE_CLINIC: FieldError = {
  code: "no_such_record",
  message: "There is no such active clinic that may own patients.",
};
const INTERIM_MANAGER: FieldError = {
  code: "interim_manager",
  message: "The admin who created this clinic is still its manager. Name another manager first.",
};
const NO_ACCOUNT: FieldError = { code: "no_such_record", message: "There is no such account." };
const NO_CLINIC: FieldError = { code: "no_such_record", message: "There is no such clinic." };

/** `POST /transfer`: transfers all patients of a clinic to another one, or those that the request lists. */
export const transferAllHandlers = createHandlers(validate("json", AccountTransfer), async (c) => {
  const { from, patients = [], ...target } = c.req.valid("json");
  const values = transferValues(target);
  const send = async () =>
    from === undefined
      ? { hasFrom: true, ...(await transferListedPatients(c.get("caller"), { ...values, patients })) }
      : transferAllPatients(c.get("caller"), {
          ...values,
          from: clinicIdOf(from),
          from_is_clinic: isClinic(from),
        });
  const result = await rejectDuplicates(
    sendAgainWithoutClinic(send),
    receiverGot("emails"),
    receiverGot("identifiers"),
  );
  requireTransfer(result);
  rejectFields({
    ...(!result.hasFrom && { from: [from !== undefined && isClinic(from) ? NO_CLINIC : NO_ACCOUNT] }),
    ...transferErrors(result, values),
  });
  return respondJson(requireFound(result.body, "patient"));
});
