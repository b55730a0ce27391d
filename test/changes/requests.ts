import { ChangePage } from "../../src/changes/responses.ts";
import { postPatient } from "../support/resources.ts";
import type { RouteRequest } from "../support/route-requests.ts";

export const changeRequests: RouteRequest[] = [
  {
    route: "GET /api/changes",
    status: 200,
    answer: ChangePage,
    recorded: "list_changes",
    subject: async (account) => {
      await postPatient(account);
      return {};
    },
    access: { toOthers: 200 },
  },
];
