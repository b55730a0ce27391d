import * as fc from "fast-check";
import { expect, test } from "vitest";
import { routeRequests } from "../requests.ts";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { type ApiResponse, connectApi, type Options } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { type RouteRequest, type RouteSubject, routePath } from "../support/route-requests.ts";
import { type Attempt, attempts, type Sender } from "./arbitrary-requests.ts";
import { checkProperty, enterWorld, propertyTimeout, type World } from "./runs.ts";

// Whatever is sent, the API never returns a 5xx. Each response is also compared with the OpenAPI document
// (support/openapi-conformance.ts).

const senderOf: Record<Sender, (own: TestAccount) => Promise<Pick<TestAccount, "request">>> = {
  nobody: async () => connectApi(),
  clinician: async (own) => own,
  "another clinician": async () => newAccount(),
  admin: async () => newAccount(undefined, "admin"),
  disabled: async (own) => {
    await asOwner`UPDATE users SET active = false WHERE id = ${own.id}`;
    return own;
  },
};

const methodsWithoutBody = ["GET", "HEAD"];

/** The body of an attempt: that of the valid request, the same with some other fields, or another one. */
function bodyOf(
  { method, body }: Attempt,
  { body: own, file }: RouteSubject,
): { json?: unknown; raw?: Options["raw"] } {
  if (methodsWithoutBody.includes(method)) return {};
  if (body === undefined) return file === undefined ? { json: own } : { raw: file };
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  return isRaw ? { raw: body } : { json: { ...own, ...body } };
}

const worlds = new Map<string, World>();
const safeMethods = ["GET", "HEAD", "OPTIONS"];

async function answerTo(attempt: Attempt): Promise<ApiResponse> {
  const { route, id, suffix, query, headers, method, sender } = attempt;
  const request = routeRequests.find((one) => one.route === route) as RouteRequest;
  const changes = sender === "disabled" || !safeMethods.includes(method);
  const { account, about } = await enterWorld(worlds, request, changes);
  const path = `${routePath(request, id === undefined ? about : { ...about, id }).replace(/\/$/, "")}${suffix}/?${query}`;
  const { json, raw } = bodyOf(attempt, about);
  const { request: send } = await senderOf[sender](account);
  const type = { "Content-Type": about.file === undefined ? "application/json" : "application/x-ndjson" };
  return send(method, path, json, { headers: { ...type, ...headers }, ...(raw !== undefined && { raw }) });
}

test(
  "no random request is answered with 5xx, and every refused one is answered with a problem",
  propertyTimeout,
  async () => {
    await checkProperty(
      fc.asyncProperty(attempts, async (attempt) => {
        const { status, headers, body } = await answerTo(attempt);
        expect(status).toBeLessThan(500);
        if (status < 400) return;
        expect(headers.get("Content-Type")).toBe("application/problem+json");
        const request_id = headers.get("X-Request-Id");
        if (attempt.method !== "HEAD") expect(body).toMatchObject({ status, request_id });
      }),
      300,
    );
  },
);
