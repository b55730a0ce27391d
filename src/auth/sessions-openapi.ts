import { type DescribedRoutes, describeParameters, describeSchema, referenceTo } from "../http/openapi.ts";
import { SessionIdPath } from "./requests.ts";
import { Session } from "./responses.ts";

const id = "The session's id.";
const exampleSession = {
  id: "5b0c6a3e-6f0f-4b86-9a37-0f3f7a3d9e15",
  created_at: "2026-11-26T09:30:00.000Z",
  last_used_at: "2026-11-26T11:45:10.250Z",
  expires_at: "2026-12-03T11:45:10.250Z",
  user_agent: "hospital-ward/2.1",
  last_address: "203.0.113.7",
  last_user_agent: "hospital-ward/2.1",
  current: true,
};

/** The sessions of one's own account. */
export const sessionsOpenApi: DescribedRoutes = {
  parameters: [describeParameters(SessionIdPath, { id: { description: id, example: exampleSession.id } })],
  schemas: {
    Session: describeSchema(Session, {
      description:
        "An active session of your account. Each login creates one, and each change of the password.",
      fields: {
        id,
        created_at: "When it was created, by a login or a change of the password.",
        last_used_at: "When it was created or last refreshed.",
        expires_at: "When it ends, unless it is refreshed before.",
        user_agent:
          "The `User-Agent` header of the request that created it, up to 256 characters; null if there was none.",
        last_address:
          "The client's network address when the session was created or last refreshed; null if it is not known. If it is not one of yours, end the session and change your password.",
        last_user_agent:
          "The `User-Agent` header of that request, up to 256 characters; null if there was none.",
        current: "Whether the access token of this request belongs to it.",
      },
      example: exampleSession,
    }),
  },
  operations: {
    "GET /api/auth/sessions": {
      operationId: "listSessions",
      summary: "List your sessions",
      description: "Returns the active sessions of your account, newest first. There are at most 50.",
      responses: [
        {
          status: 200,
          description: "Your sessions.",
          content: {
            "application/json": {
              schema: { type: "array", items: referenceTo("Session"), maxItems: 50 },
              example: [exampleSession],
            },
          },
        },
      ],
    },
    "DELETE /api/auth/sessions": {
      operationId: "endSessions",
      summary: "End all your sessions",
      description: "Logs the account out everywhere, including this session.",
      responses: [{ status: 204, description: "All sessions have ended." }],
    },
    "DELETE /api/auth/sessions/:id": {
      operationId: "endSession",
      summary: "End one of your sessions",
      description: "Ends one session. All its tokens become invalid at once.",
      responses: [{ status: 204, description: "The session has ended." }],
      problems: {
        404: {
          description: "Your account has no active session with this id.",
          detail: "There is no such session.",
        },
      },
    },
  },
};
