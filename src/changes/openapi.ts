import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { ChangesQuery } from "./requests.ts";
import { ChangePage, RecordChange } from "./responses.ts";

const exampleChange = { kind: "patient", id: 7, version: 4 } as const;
const exampleDeletion = { kind: "assignment", id: 21, version: 1, deleted: true } as const;
const cursor = "…" as const;

export const changesOpenApi: OpenApiGroup = {
  tag: {
    name: "Changes",
    description: "What has changed since the last time, for a program that keeps a copy of the records.",
  },
  parameters: [
    describeParameters(ChangesQuery, {
      since: {
        description:
          "The `cursor` of the response before. Without it the feed starts with everything that the lists show you.",
      },
    }),
  ],
  schemas: {
    RecordChange: describeSchema(RecordChange, {
      description: "A record that was created or changed, came to you, or left you.",
      fields: {
        kind: "`patient`, `doctor`, `assignment` or `appointment`.",
        id: "The id of the record.",
        version: "The version that the record has now; of a deleted one, when it left you.",
        deleted:
          "`true`: the record is not in your lists any more, because it was deleted, transferred, merged or unassigned. Otherwise the field is missing: read the record.",
        merged_into:
          "Of a merged patient, the id of the one that it is part of now, if you can read that one.",
      },
      example: exampleChange,
    }),
    ChangePage: describeSchema(ChangePage, {
      description: "The next changes.",
      fields: {
        changes:
          "At most 500, in order: of two entries for a record the later one counts. Empty when there is nothing new.",
        cursor: "The value of `since` for the next request. It is valid for 90 days.",
      },
      example: { changes: [exampleChange, exampleDeletion], cursor },
    }),
  },
  operations: {
    "GET /api/changes": {
      operationId: "listChanges",
      summary: "List changes",
      description:
        "Returns what has changed since the last request: the records of your lists that were created or changed, that came to you, and that left you. Send the `cursor` of each response as `since` of the next request. Without `since`, it starts with everything that your lists show you. No change is missed: one that waits for another change is listed once it is done. A change can be listed twice. `changes` is empty when there is nothing new; then wait as long as `Retry-After` says.",
      responses: [
        {
          status: 200,
          description: "The next changes.",
          schema: ChangePage,
          headers: ["PollAfter"],
        },
      ],
      problems: {
        410: {
          description:
            "The cursor is older than 90 days, the operator has restored the database from a backup, your account's link to a doctor has changed, or your session works in another clinic. Read everything again, without `since`.",
          detail: "This cursor has expired: read everything again, without since.",
          codes: ["cursor_expired"],
        },
      },
    },
  },
};
