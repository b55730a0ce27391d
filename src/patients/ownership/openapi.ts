import { clinicRoleRequired, mergedProblem } from "../../http/common-openapi.ts";
import {
  type DescribedRoutes,
  describeParameters,
  describeSchema,
  type ProblemDescription,
} from "../../http/openapi.ts";
import {
  EmergencyAccess,
  ErasedPatient,
  RestoredPatient,
  TransferredPatient,
  TransferSummary,
} from "../responses.ts";
import {
  AccountTransfer,
  EmergencyAccessReason,
  ErasureReason,
  RestoreQuery,
  TransferTarget,
} from "./requests.ts";

const notAdmin = (action: string): ProblemDescription => ({
  description: "You are not an admin.",
  detail: `Only an admin may ${action}.`,
  codes: ["admin_required"],
});
const notFound = { description: "There is no such patient.", detail: "There is no such patient." };
const notReceiver = {
  description:
    "There is no such active account or clinic, the account is an auditor, or the clinic's manager is still the admin who created it: `errors` names the field. It is `reason` when an admin gives none.",
};
const mayNotTransfer: ProblemDescription = {
  description: "You are neither an admin nor a manager of both clinics.",
  detail: "Only an admin, or a manager of both clinics, may transfer patients.",
  codes: ["admin_required"],
};
const receiver =
  'The id of an active account, which gets the patients in its personal clinic, or `{"clinic": id}` with the id of an active clinic.';
const exampleTransferReason = "Ward 3 takes over from Ada, who has left the hospital.";
const transferReason =
  "The reason, 10 to 500 characters. It is written to the audit log, where the patient's owner can read it. Admins have to give one; a manager of both clinics may leave it out.";
const exampleErasureReason = "Request 2026-117 to erase all data, accepted by the data protection officer.";
const exampleReason = "Unconscious in the emergency room; their doctor cannot be reached.";

/** Restoring patients, transferring them to another account, and emergency access. */
export const ownershipOpenApi: DescribedRoutes = {
  parameters: [
    describeParameters(RestoreQuery, {
      partial: {
        description: "`true`: restore the patient without the assignments whose doctors were deleted.",
      },
    }),
  ],
  schemas: {
    Restored: describeSchema(RestoredPatient, {
      description: "The patient that was restored.",
      fields: { id: "The patient's id.", doctors: "The ids of the doctors assigned to it." },
      example: { id: 7, doctors: [3] },
    }),
    Receiver: describeSchema(TransferTarget, {
      description: "Where a patient is transferred to, and why.",
      fields: { to: receiver, reason: transferReason },
      example: { to: 13, reason: exampleTransferReason },
    }),
    HandedOver: describeSchema(TransferredPatient, {
      description: "The patient that was transferred, with its new owner.",
      fields: {
        id: "The patient's id.",
        owner: "The id of the clinic that owns it now. A personal clinic has the id of its account.",
      },
      example: { id: 7, owner: 13 },
    }),
    AccountTransfer: describeSchema(AccountTransfer, {
      description:
        "Whose patients are transferred, or which ones, who gets them, and why. Exactly one of `from` and `patients` is sent.",
      fields: {
        from: 'The id of an account, active or disabled, for all patients of its personal clinic, or `{"clinic": id}` for all of a clinic.',
        patients:
          "The ids of up to 1,000 patients, of one or several clinics. Deleted patients are not transferred.",
        to: receiver,
        reason: transferReason,
      },
      example: { from: 12, to: 13, reason: exampleTransferReason },
    }),
    HandedOverAll: describeSchema(TransferSummary, {
      description: "The result of a transfer of many patients.",
      fields: {
        transferred: "How many patients were transferred.",
        conflicts:
          "The ids of the patients that stay, because the receiving clinic has a patient with the same email or identifier, or an earlier one in `patients` has.",
        more: "Whether more patients can be transferred by sending the same request again.",
        not_found:
          "Only when the request has `patients`: the ids of those that you may not transfer, or that do not exist or are deleted.",
      },
      example: { transferred: 214, conflicts: [9], more: false },
    }),
    ErasureReason: describeSchema(ErasureReason, {
      description: "Why a deleted patient is erased.",
      fields: {
        reason:
          "The reason, 10 to 500 characters. It is written to the audit log and stays there: do not name the patient.",
      },
      example: { reason: exampleErasureReason },
    }),
    Erased: describeSchema(ErasedPatient, {
      description: "What was removed of a patient, and what was not.",
      fields: {
        id: "The id that the patient had. It is never used again.",
        removed:
          "How many rows were removed: `patients` with those that were merged into it (0 while `more` is true), their `assignments`, `appointments` and `identifiers`, `merges`, `emergency_accesses` with their reasons, `stored_responses` to requests with an idempotency key, and `audit_changes`, the values of that many audit events.",
        remained: "What still refers to the patient, and why.",
        more: "Whether the audit log has more values. The patient is removed with the last of them: send the same request again.",
      },
      example: {
        id: 7,
        removed: {
          patients: 1,
          assignments: 1,
          appointments: 0,
          identifiers: 0,
          merges: 0,
          emergency_accesses: 0,
          stored_responses: 1,
          audit_changes: 3,
        },
        remained: [
          {
            what: "audit_events",
            why: "They say who did what and when. They have ids, times and statuses of appointments, and no other values of the patient.",
          },
        ],
        more: false,
      },
    }),
    Reason: describeSchema(EmergencyAccessReason, {
      description: "Why you need emergency access to a patient.",
      fields: {
        reason:
          "The reason, 10 to 500 characters. It is written to the audit log, where the patient's owner can read it.",
      },
      example: { reason: exampleReason },
    }),
    EmergencyAccess: describeSchema(EmergencyAccess, {
      description: "Your emergency access to a patient.",
      fields: {
        patient: "The patient's id.",
        reason: "The reason that you gave.",
        expires_at: "When the access ends: a UTC timestamp in milliseconds.",
      },
      example: { patient: 7, reason: exampleReason, expires_at: "2026-12-09T09:30:00.417Z" },
    }),
  },
  operations: {
    "POST /api/patients/:id/restore": {
      operationId: "restorePatient",
      summary: "Restore a deleted patient",
      description:
        "Restores a deleted patient of yours, or as an admin that of any account, with the assignments that it had. A patient that is not deleted stays as it is, so this request can be retried.",
      responses: [{ status: 200, description: "The patient was restored.", schema: RestoredPatient }],
      problems: {
        403: clinicRoleRequired,
        404: {
          description: "You have no deleted patient with this id.",
          detail: "There is no such deleted patient.",
        },
        410: mergedProblem,
        409: {
          description:
            "`email_taken`: another patient of the same account has this email now. `identifier_taken`: another one has an identifier of this patient, of the identifier system `system`. `doctor_deleted`: a doctor of an assignment was deleted, and `detail` says which.",
          detail:
            "Doctor 3 of this patient's assignments was deleted; ?partial=true restores the patient without these assignments.",
          codes: ["doctor_deleted", "email_taken", "identifier_taken"],
        },
      },
    },
    "POST /api/patients/:id/transfer": {
      operationId: "transferPatient",
      summary: "Transfer a patient to another account or clinic",
      description:
        "For admins, and for an account that is a manager of both clinics. Makes another clinic the owner of a patient: the personal one of an account, or a shared one. From the next request on, the new owner can see the patient and the former owner cannot. The request can be retried.",
      responses: [{ status: 200, description: "The patient was transferred.", schema: TransferredPatient }],
      problems: {
        400: notReceiver,
        403: mayNotTransfer,
        404: notFound,
        410: mergedProblem,
        409: {
          description:
            "The receiving clinic already has a patient with the same email, or with the same identifier of the identifier system `system`.",
          detail: "The receiving account already has a patient with this email.",
          codes: ["receiver_has_email", "receiver_has_identifier"],
        },
      },
    },
    "POST /api/patients/transfer": {
      operationId: "transferPatients",
      summary: "Transfer many patients",
      description:
        "For admins, and for an account that is a manager of both clinics. Makes another clinic the owner of all patients of an account or a clinic, including deleted ones, or of the `patients` that the request lists, except those whose email or identifier the receiving clinic already has. One request transfers up to 1,000 patients: repeat it while `more` is true.",
      responses: [{ status: 200, description: "What was transferred.", schema: TransferSummary }],
      problems: {
        400: notReceiver,
        403: mayNotTransfer,
        409: {
          description:
            "A concurrent request gave the receiving clinic a patient with one of the emails or identifiers, and nothing was transferred: try again.",
          detail:
            "The receiving account just got a patient with one of these emails. Nothing was transferred; try again.",
        },
      },
    },
    "POST /api/patients/:id/erase": {
      operationId: "erasePatient",
      summary: "Erase a deleted patient for good",
      description:
        "For admins. Removes a deleted patient wherever the database has its data: the record, its assignments, emergency accesses, stored responses and the values in the audit log, whose events stay. This cannot be undone. One request removes the values of up to 5,000 audit events: repeat it while `more` is true. Once the patient is erased, the same request is a 404.",
      responses: [{ status: 200, description: "What was removed, and what was not.", schema: ErasedPatient }],
      problems: {
        403: notAdmin("erase patients"),
        404: notFound,
        409: {
          description: "The patient is not deleted.",
          detail: "Only a deleted patient can be erased. Delete it first.",
          codes: ["patient_not_deleted"],
        },
        410: mergedProblem,
      },
    },
    "POST /api/patients/:id/access": {
      operationId: "openPatient",
      summary: "Get emergency access to a patient (break-glass)",
      description:
        "For admins, and in installations that allow it (`EMERGENCY_ACCESS`) for clinicians and managers who work in a shared clinic. You must give a reason. For one hour you can read the patient, its doctors and its history, but not change it. The reason is written to the audit log, where the owner can read it. If you send the request again, the hour starts again. The access ends at once when you are no active admin any more; that of a clinician counts only in the clinic in which it was granted. Managers of the patient's clinic see it in the list of emergency accesses.",
      responses: [{ status: 201, description: "You have emergency access.", schema: EmergencyAccess }],
      problems: { 403: notAdmin("use emergency access"), 404: notFound, 410: mergedProblem },
    },
  },
};
