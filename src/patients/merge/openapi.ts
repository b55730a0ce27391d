import { mergedProblem, requestHeaders } from "../../http/common-openapi.ts";
import { type DescribedRoutes, describeParameters, describeSchema } from "../../http/openapi.ts";
import { examplePatient } from "../examples-openapi.ts";
import { MergeHeaders, PatientMerge } from "../requests.ts";
import { Patient } from "../responses.ts";

const notOwner = {
  description: "You can read the patient but not change it.",
  detail: "Only the patient's owner may change or delete it.",
  codes: ["not_patient_owner"],
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
  },
  operations: {
    "POST /api/patients/:id/merge": {
      operationId: "mergePatient",
      summary: "Merge a patient into another one",
      description:
        "For two records of the same person, both yours. The survivor `into` keeps its fields, but for those in `take`. It gets the assignments of the merged patient; of two with the same doctor its own stays. The merged patient is in no list any more, and each request for it returns 410 with the id of its successor. A merge can be undone within 30 days.",
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
            "A concurrent request changed the same patients: try again; or you sent this idempotency key before, and cannot read the survivor any more.",
          codes: ["replay_unreadable"],
        },
        410: mergedProblem,
      },
    },
  },
};
