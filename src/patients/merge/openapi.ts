import { mergedProblem, requestHeaders } from "../../http/common-openapi.ts";
import { type DescribedRoutes, describeParameters, describeSchema } from "../../http/openapi.ts";
import { examplePatient } from "../examples-openapi.ts";
import { Patient, UnmergedPatient } from "../responses.ts";
import { MergeHeaders, PatientMerge } from "./requests.ts";

const notOwner = {
  description: "You can read the patient but not change it.",
  detail: "Only the patient's owner may change or delete it.",
  codes: ["not_patient_owner", "clinic_role_required"],
} as const;
const notFound = {
  description: "There is no patient with this id that you can read.",
  detail: "There is no such patient.",
};

/** Merging two patients that are the same person, and undoing that. */
export const mergeOpenApi: DescribedRoutes = {
  parameters: [
    describeParameters(
      MergeHeaders,
      Object.assign({}, ...requestHeaders.slice(1).map(({ descriptions }) => descriptions)),
    ),
  ],
  schemas: {
    PatientMerge: describeSchema(PatientMerge, {
      description:
        "The patient that another one is merged into, its survivor, and what that one takes from it.",
      fields: {
        into: "The id of the survivor, another patient of yours.",
        take: "The fields that the survivor takes from the merged patient. It keeps all others. `age` and `birth_date` are taken together.",
        if_match:
          "The version of the survivor as you last read it, or its ETag. If it has changed since, the response is 412.",
      },
      example: { into: 7, take: ["birth_date"], if_match: 1 },
    }),
    Unmerged: describeSchema(UnmergedPatient, {
      description: "What an undone merge gave back.",
      fields: {
        restored:
          "The fields of the survivor that are as before the merge, and `assignments` if some came back.",
        kept: "What is not as before, and why: `changed` since; the email or an identifier is `in_use` by another patient; an assignment has `ended`; its doctor was deleted (`doctor_deleted`).",
      },
      example: { restored: ["birth_date"], kept: [{ field: "email", why: "in_use" }] },
    }),
  },
  operations: {
    "POST /api/patients/:id/merge": {
      operationId: "mergePatient",
      summary: "Merge a patient into another one",
      description:
        "For two records of the same person, both yours. The survivor `into` keeps its fields, but for those in `take`; the phone numbers and identifiers of both are united: those of the survivor are first, or those of the merged patient when the list is in `take`. It gets the assignments of the merged patient; of two with the same doctor its own stays. The merged patient is in no list any more, and each request for it returns 410 with the id of its successor. A merge can be undone within 30 days.",
      responses: [
        {
          status: 200,
          description: "The survivor after the merge.",
          schema: Patient,
          example: {
            ...examplePatient,
            ...{ age: 119, birth_date: "1906-12-09", age_as_of: null },
            ...{ updated_at: "2026-12-09T08:30:00.417Z", version: 2 },
          },
          headers: ["ETag", "Idempotency-Replayed"],
        },
      ],
      problems: {
        400: {
          description:
            "The body is not valid, or `into` is not another patient of yours, or was deleted or merged: `errors` names the field.",
        },
        403: notOwner,
        404: notFound,
        409: {
          description:
            "`merge_exceeds_limit`: together the patients have too many phone numbers or identifiers; `detail` names the field. `appointments_overlap`: both have open appointments at the same time, `appointments`. `replay_unreadable`: you sent this idempotency key before, and cannot read the survivor any more, or the merged patient was erased.",
          detail: "Together the patients have too many phones. Remove some of them first.",
          codes: ["merge_exceeds_limit", "appointments_overlap", "replay_unreadable"],
        },
        410: mergedProblem,
      },
    },
    "POST /api/patients/:id/unmerge": {
      operationId: "unmergePatient",
      summary: "Undo a merge",
      description:
        "Undoes the merge of this patient into another one, within 30 days. It is a patient of the owner of its survivor again, with the fields that it had. The survivor gets back what the merge has changed, where nobody has changed it since. Assignments and appointments that were moved go back, and those that were removed come back. An email or an identifier that another patient has meanwhile stays away: its patient has none then, and is `anonymous` if no contact is left. Of several merges in a chain, the last one is undone first.",
      responses: [
        {
          status: 200,
          description: "What the merge had changed, and is as before.",
          schema: UnmergedPatient,
        },
      ],
      problems: {
        403: notOwner,
        404: notFound,
        409: {
          description:
            "`not_merged`: the patient is not merged. `survivor_merged`: its survivor was merged itself; undo that merge first. `unmerge_expired`: it was merged more than 30 days ago. `open_appointments`: there are open appointments of one of the two with a doctor who would be assigned to the other one only.",
          detail: "This patient is not merged.",
          codes: ["not_merged", "survivor_merged", "unmerge_expired", "open_appointments"],
        },
      },
    },
  },
};
