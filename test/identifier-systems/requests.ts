import * as z from "zod/mini";
import { IdentifierSystem } from "../../src/identifier-systems/responses.ts";
import type { TestAccount } from "../support/accounts.ts";
import { newSystemName, postIdentifierSystem } from "../support/resources.ts";
import type { RouteRequest } from "../support/route-requests.ts";

const subject = async (admin: TestAccount) => ({ id: (await postIdentifierSystem(admin)).id });
const byAdmin = { as: "admin", access: { toOthers: 403 }, invalid: { check_digit: "luhn" } } as const;
const byEverybody = { as: "admin", subject, access: { toOthers: 200 } } as const;

export const identifierSystemRequests: RouteRequest[] = [
  {
    route: "GET /api/identifier-systems",
    status: 200,
    answer: z.array(IdentifierSystem).check(z.minLength(1)),
    ...byEverybody,
  },
  {
    route: "POST /api/identifier-systems",
    status: 201,
    answer: IdentifierSystem,
    recorded: "create_identifier_system",
    subject: async () => ({ body: { name: newSystemName(), pattern: "\\d{10}", check_digit: "mod11" } }),
    ...byAdmin,
  },
  { route: "GET /api/identifier-systems/:id", status: 200, answer: IdentifierSystem, ...byEverybody },
  {
    route: "PATCH /api/identifier-systems/:id",
    status: 200,
    answer: IdentifierSystem,
    recorded: "update_identifier_system",
    subject: async (admin) => ({ ...(await subject(admin)), body: { uri: "urn:oid:1.2.3" } }),
    ...byAdmin,
  },
];
