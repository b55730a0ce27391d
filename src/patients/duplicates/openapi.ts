import { mergedProblem } from "../../http/common-openapi.ts";
import { type DescribedRoutes, describeParameters, describeSchema } from "../../http/openapi.ts";
import { examplePatient } from "../examples-openapi.ts";
import { CreationQuery } from "../requests.ts";
import { PossibleDuplicate } from "../responses.ts";

export const notDuplicateOfText =
  "The ids of patients that this one looks like and that are other people, up to 20. They are not named as duplicates. The history of the patient has them.";

/** Patients that may be the same person. */
export const duplicatesOpenApi: DescribedRoutes = {
  parameters: [
    describeParameters(CreationQuery, {
      duplicates: {
        description:
          "What happens to a patient that looks like others of yours: `allow` creates it, `refuse` does not. `allow` if it is left out.",
      },
    }),
  ],
  schemas: {
    PossibleDuplicate: describeSchema(PossibleDuplicate, {
      description: "A patient that may be the same person as another one.",
      fields: {
        patient: "The patient.",
        why: "What both have in common: `name`, the same names; `exchanged_name`, the same with first and last name exchanged; `first_name`, a word of the first name; `birth`, a possible day of birth; `phone`, a phone number; `email`, the email.",
      },
      example: { patient: { ...examplePatient, id: 9 }, why: ["name", "birth"] },
    }),
  },
  operations: {
    "GET /api/patients/:id/duplicates": {
      operationId: "listDuplicates",
      summary: "List patients that may be the same person",
      description:
        "Returns up to 20 patients that look like this one, the best first: with the same names, in either order, and a day of birth that may be the same; or with the same phone number and a word of the first name. They are patients of the same owner that you can read. Of patients with the same names, the newest 1,000 are compared.",
      responses: [
        { status: 200, description: "The patients, and why.", schema: PossibleDuplicate, list: true },
      ],
      problems: {
        404: {
          description: "There is no patient with this id that you can read.",
          detail: "There is no such patient.",
        },
        410: mergedProblem,
      },
    },
  },
};
