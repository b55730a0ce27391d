import { describeParameters, describeSchema, type OpenApiGroup } from "../../http/openapi.ts";
import { AccountTransfer, EmergencyAccessReason, RestoreQuery, TransferTarget } from "../requests.ts";
import { EmergencyAccess, RestoredPatient, TransferredPatient, TransferSummary } from "../responses.ts";

const notAdmin = (what: string) => ({ when: `You are no admin.`, detail: `Only an admin may ${what}.` });
const notThere = { when: "There is no such patient.", detail: "There is no such patient." };
const noAccount = { when: "There is no such active account: `errors` names it." };

/** Whose a patient is, and who else may read it. */
export const custody: OpenApiGroup["operations"] = {
  "POST /api/patients/:id/restore": {
    operationId: "restorePatient",
    summary: "Restore a deleted patient",
    description:
      "Brings a deleted patient of yours back, or as an admin anybody's, with the assignments that it had. One that is not deleted stays as it is: this may be sent again.",
    answers: [{ status: 200, description: "The patient is there again.", schema: RestoredPatient }],
    problems: {
      404: { when: "You have no such deleted patient.", detail: "There is no such deleted patient." },
      409: {
        when: "Another patient of the same account has its email meanwhile; or a doctor of its assignments is gone, and `detail` says which.",
        detail:
          "Doctor 3 of this patient's assignments was deleted; ?partial=true restores the patient without these assignments.",
      },
    },
  },
  "POST /api/patients/:id/transfer": {
    operationId: "transferPatient",
    summary: "Hand a patient over",
    description:
      "Gives a patient to another account, which sees it from the next request on; the old one does not any more. For admins. It may be sent again.",
    answers: [
      { status: 200, description: "The patient is the other account's.", schema: TransferredPatient },
    ],
    problems: {
      400: noAccount,
      403: notAdmin("transfer patients"),
      404: notThere,
      409: {
        when: "The other account has a patient with the same email already.",
        detail: "The receiving account already has a patient with this email.",
      },
    },
  },
  "POST /api/patients/transfer": {
    operationId: "transferPatients",
    summary: "Hand all of an account's patients over",
    description:
      "Gives all of an account's patients to another one, deleted ones too, but for those whose email that one has already: up to 1,000 by one request. Send it again while there are `more`. For admins.",
    answers: [{ status: 200, description: "What was handed over.", schema: TransferSummary }],
    problems: {
      400: noAccount,
      403: notAdmin("transfer patients"),
      409: {
        when: "The other account got a patient with one of the emails at this moment, and nothing was handed over: try again.",
        detail:
          "The receiving account just got a patient with one of these emails. Nothing was transferred; try again.",
      },
    },
  },
  "POST /api/patients/:id/access": {
    operationId: "openPatient",
    summary: 'Open a patient of somebody else\'s ("break the glass")',
    description:
      "For admins, who must say why: for an hour the patient can be read, its doctors and its history too, and not changed. The reason is on record, where the owner sees it. Sent again, the hour begins anew.",
    answers: [{ status: 201, description: "The patient is open.", schema: EmergencyAccess }],
    problems: { 403: notAdmin("use emergency access"), 404: notThere },
  },
};

export const custodySchemas: OpenApiGroup["schemas"] = {
  Restored: describeSchema(RestoredPatient, {
    description: "A patient that is there again.",
    fields: { id: "The patient's id.", doctors: "The ids of the doctors who are assigned to it." },
    example: { id: 7, doctors: [3] },
  }),
  Receiver: describeSchema(TransferTarget, {
    description: "Who gets a patient.",
    fields: { to: "The id of an active account." },
    example: { to: 13 },
  }),
  HandedOver: describeSchema(TransferredPatient, {
    description: "Whose a patient is now.",
    fields: { id: "The patient's id.", owner: "The id of its account." },
    example: { id: 7, owner: 13 },
  }),
  AccountTransfer: describeSchema(AccountTransfer, {
    description: "Whose patients are handed over, and to whom.",
    fields: { from: "The id of an account, active or not.", to: "The id of another account, an active one." },
    example: { from: 12, to: 13 },
  }),
  HandedOverAll: describeSchema(TransferSummary, {
    description: "What was handed over.",
    fields: {
      transferred: "How many patients.",
      conflicts: "The ids of those that stay: the other account has a patient with their email.",
      more: "Whether there are more, for the same request again.",
    },
    example: { transferred: 214, conflicts: [9], more: false },
  }),
  Reason: describeSchema(EmergencyAccessReason, {
    description: "Why a patient must be seen.",
    fields: { reason: "In words, 1 to 500 characters; it is on record, for the patient's owner to read." },
    example: { reason: "Unconscious in the emergency room; their doctor cannot be reached." },
  }),
  EmergencyAccess: describeSchema(EmergencyAccess, {
    description: "A patient that is open to you.",
    fields: {
      patient: "The patient's id.",
      reason: "The reason that was given.",
      expires_at: "Until when, in UTC, to the millisecond.",
    },
    example: {
      patient: 7,
      reason: "Unconscious in the emergency room; their doctor cannot be reached.",
      expires_at: "2026-12-09T09:30:00.417Z",
    },
  }),
};

export const restoreParameters = describeParameters(RestoreQuery, {
  partial: { description: "With `true` it comes back without the assignments whose doctors are gone." },
});
