import { administrationTag, pageParameterTexts } from "../http/common-openapi.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { EmergencyAccessesQuery } from "./requests.ts";
import { OpenEmergencyAccess } from "./responses.ts";

export const emergencyAccessesOpenApi: OpenApiGroup = {
  tag: administrationTag,
  parameters: [
    describeParameters(EmergencyAccessesQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
      sort: { description: "`id`, or `-id` for the newest first.", example: "-id" },
    }),
  ],
  schemas: {
    OpenEmergencyAccess: describeSchema(OpenEmergencyAccess, {
      description: "An emergency access that has not ended.",
      fields: {
        id: "The id of the emergency access.",
        account: "The account that has it.",
        patient: "The patient's id.",
        reason: "The reason that was given last; `null` if an earlier version of the API granted it.",
        expires_at: "When it ends: a UTC timestamp in milliseconds.",
      },
      example: {
        id: 5,
        account: { id: 1, username: "grace" },
        patient: 7,
        reason: "Unconscious in the emergency room; their doctor cannot be reached.",
        expires_at: "2026-12-09T09:30:00.417Z",
      },
    }),
  },
  operations: {
    "GET /api/emergency-accesses": {
      operationId: "listEmergencyAccesses",
      summary: "List the open emergency accesses",
      description:
        "For admins, and for managers of a clinic. Returns a page of the emergency accesses that have not ended; for a manager those to the patients of the clinic. Reading the list is audited with the patients.",
      responses: [
        {
          status: 200,
          description: "A page of emergency accesses.",
          schema: OpenEmergencyAccess,
          list: true,
        },
      ],
      problems: {
        403: {
          description: "You are neither an admin nor a manager of the clinic.",
          detail: "Only an admin or a manager of the clinic may list emergency accesses.",
          codes: ["admin_required"],
        },
      },
    },
  },
};
