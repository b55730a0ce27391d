import { describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import * as z from "../zod.ts";

const Health = z.strictObject({ status: z.literal("ok") });

/** What watches the API asks. */
export const healthOpenApi: OpenApiGroup = {
  tag: { name: "Service", description: "Whether the API runs. Nobody needs a token here." },
  parameters: [],
  schemas: {
    Health: describeSchema(Health, {
      description: "All is well.",
      fields: { status: "Always `ok`." },
      example: { status: "ok" },
    }),
  },
  operations: {
    "GET /healthz": {
      operationId: "health",
      summary: "Whether the API runs",
      description: "Whether the Worker runs. It touches nothing, so that it says nothing else.",
      answers: [{ status: 200, description: "It runs.", schema: Health }],
    },
    "GET /readyz": {
      operationId: "readiness",
      summary: "Whether the database answers",
      description: "Whether the API can do its work: it asks the database.",
      answers: [{ status: 200, description: "The database answers.", schema: Health }],
      problems: { 503: { when: "The database does not answer." } },
    },
  },
};
