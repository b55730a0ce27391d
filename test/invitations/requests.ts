import * as z from "zod/mini";
import { Invitation, IssuedInvitation } from "../../src/invitations/responses.ts";
import type { TestAccount } from "../support/accounts.ts";
import type { RouteRequest } from "../support/route-requests.ts";

const body = { email: "grace@example.org", role: "clinician" };
const byAdmin = { as: "admin", access: { toOthers: 403 } } as const;

/** Creates an invitation. @returns the body of the answer, with the code */
export const invite = async (admin: TestAccount, changes: object = {}) =>
  (await admin.post("/api/invitations/", { ...body, ...changes })).body;

export const invitationRequests: RouteRequest[] = [
  {
    route: "POST /api/invitations",
    status: 201,
    answer: IssuedInvitation,
    recorded: "invite",
    subject: async () => ({ body }),
    invalid: { role: "owner" },
    ...byAdmin,
  },
  {
    route: "GET /api/invitations",
    status: 200,
    answer: z.array(Invitation),
    recorded: "list_invitations",
    ...byAdmin,
  },
  {
    route: "DELETE /api/invitations/:id",
    status: 204,
    recorded: "withdraw_invitation",
    subject: async (admin) => ({ id: (await invite(admin)).id }),
    ...byAdmin,
  },
];
