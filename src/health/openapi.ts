import { describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import * as z from "../zod.ts";

const Health = z.strictObject({ status: z.literal("ok") });

export const healthOpenApi: OpenApiGroup = {
  tag: { name: "Service", description: "Health checks. They need no access token." },
  parameters: [],
  schemas: {
    Health: describeSchema(Health, {
      description: "The check passed.",
      fields: { status: "Always `ok`." },
      example: { status: "ok" },
    }),
  },
  operations: {
    "GET /healthz": {
      operationId: "health",
      summary: "Check that the API runs",
      description: "A liveness check: whether the Worker runs. It does not use the database.",
      responses: [{ status: 200, description: "The API runs.", schema: Health }],
    },
    "GET /readyz": {
      operationId: "readiness",
      summary: "Check that the database answers",
      description: "A readiness check: whether the API can serve requests. It queries the database.",
      responses: [{ status: 200, description: "The database answers.", schema: Health }],
      problems: { 503: { description: "The database does not answer." } },
    },
  },
};
