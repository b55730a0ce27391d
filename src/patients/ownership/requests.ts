import { bodyRule, hasFields, requestBody } from "../../http/body-schemas.ts";
import { idSchema, reasonField, rule } from "../../http/fields.ts";
import * as z from "../../zod.ts";
import { defineBooleanQuery } from "../requests.ts";

/** `partial`: whether a patient is restored without the assignments whose doctors were deleted. */
export const RestoreQuery = defineBooleanQuery("partial");

/** Who gets patients, or has them: the id of an account, for its personal clinic, or `{clinic}`. */
const accountOrClinic = z.union([idSchema, z.strictObject({ clinic: idSchema })], {
  error: ({ input }) =>
    input === undefined ? "Required" : 'Must be the id of an account, or {"clinic": id}',
});
export type AccountOrClinic = z.infer<typeof accountOrClinic>;

/** The id of the clinic that is meant. A personal one has the id of its account. */
export const clinicIdOf = (one: AccountOrClinic): number => (typeof one === "number" ? one : one.clinic);

/** Where a patient is transferred to, and why. The statement decides whether the reason may be left out. */
export const TransferTarget = requestBody({ to: accountOrClinic, reason: z.optional(reasonField) });

/** How many patients one request transfers. */
export const MAX_TRANSFERRED = 1000;

/** In JSON Schema: a body without `from` and `patients`. */
const hasNoSource = { properties: { from: { type: "null" }, patients: { type: "null" } } };

/** Whose patients are transferred, or which ones, who gets them, and why. */
export const AccountTransfer = requestBody(
  {
    from: z.optional(accountOrClinic),
    patients: z.optional(z.array(idSchema).check(z.minLength(1), z.maxLength(MAX_TRANSFERRED))),
    to: accountOrClinic,
    reason: z.optional(reasonField),
  },
  [],
  [
    bodyRule<TransferSource>(
      ({ from, patients }) => from !== undefined || patients !== undefined,
      "required",
      "Required, unless patients is sent",
      "from",
    ),
    bodyRule<TransferSource>(
      ({ from, patients }) => from === undefined || patients === undefined,
      "invalid_value",
      "Must not be sent together with from",
      "patients",
    ),
  ],
).check(
  rule(
    ({ from, to }) => from === undefined || clinicIdOf(from) !== clinicIdOf(to),
    "same_account",
    "Must be another account or clinic",
    "to",
  ),
  z.meta({ not: { anyOf: [hasNoSource, hasFields("from", "patients")] } }),
);
type TransferSource = { from?: unknown; patients?: unknown };

/** Why a deleted patient is erased. */
export const ErasureReason = requestBody({ reason: reasonField });

/** Why an admin needs emergency access to a patient. */
export const EmergencyAccessReason = requestBody({ reason: reasonField });
