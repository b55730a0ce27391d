import * as fc from "fast-check";
import { expect, inject, test } from "vitest";
import { addressField, normalizePhone } from "../../src/http/contact-fields.ts";
import { routeRequests } from "../requests.ts";
import { PASSWORD, uniqueName } from "../support/accounts.ts";
import { type ApiResponse, connectApi } from "../support/api.ts";
import { hoursFromNow } from "../support/appointments.ts";
import { schemaErrors } from "../support/openapi.ts";
import {
  type RouteRequest,
  routeMethod,
  routePath,
  sendRouteRequest,
  sendToPath,
} from "../support/route-requests.ts";
import { fieldsOf, requiredOf, valid } from "./arbitraries.ts";
import { bodyOf, freeFieldsOf, queryOf, withFreeFields, withQuery } from "./operations.ts";
import { checkProperty, enterWorld, propertyTimeout, type World } from "./runs.ts";

// Every value that is valid by the OpenAPI document is accepted, and is returned as it was sent.

const document = inject("openApiDocument");

/**
 * What the document cannot say: nobody is born after today or more than 120 years ago, which time zones there are, when now
 * is, and that an end comes after its beginning.
 */
const possible: Record<string, fc.Arbitrary<unknown>> = {
  age: fc.option(fc.integer({ min: 0, max: 120 })),
  birth_date: fc.constantFrom(null, "1990", "1990-05", "1990-05-17", "2020-02-29"),
  time_zone: fc.constantFrom("UTC", "europe/berlin", "Asia/Kolkata", "Etc/GMT+12"),
  hours: fc.constantFrom([], [{ weekday: 7, from: "00:00", to: "24:00" }]),
  starts_at: fc.integer({ min: 1, max: 8760 }).map(hoursFromNow),
  // An absence has at most 366 days.
  ends_at: fc.constant(hoursFromNow(8761)),
};

/** Values of the fields that can have any valid value; optional fields are there or not. */
function freeValues(request: RouteRequest): fc.Arbitrary<Record<string, unknown>> {
  const fields = freeFieldsOf(request);
  const requiredKeys = requiredOf(bodyOf(request) ?? {}).filter((name) => fields[name]);
  const model = Object.entries(fields).map(
    ([name, field]) => [name, possible[name] ?? valid(field)] as const,
  );
  // A rule about several fields is one of the whole body.
  const { properties, ...rules } = bodyOf(request) ?? {};
  return fc
    .record(Object.fromEntries(model), { requiredKeys })
    .filter((values) => !rules["not"] || schemaErrors(document, { not: rules["not"] }, values).length === 0);
}

/** The pattern of names in the document allows it, the API does not. */
const CONTROL_WITH_JOINER = /(?=[\u0620-\u0dff])\p{Cf}[\u200c\u200d]/u;

/** A change may take a patient's only name or contact, or send an age although the birth date is known. */
const conflictsWithRecord = ({ body: { error_codes = {} } }: ApiResponse): boolean =>
  /"(required|age_disagrees|birth_date_known)"/.test(JSON.stringify(error_codes));

/** A value as it is stored. */
const storedValue = (value: unknown) => (typeof value === "string" ? value.trim() : value);
const storedFields: Record<string, (value: never) => unknown> = {
  firstname: (name: string | null) => name?.trim() ?? "",
  lastname: (name: string | null) => name?.trim() ?? "",
  note: (text: string | null) => text?.trim() || null,
  cancel_reason: (text: string | null) => text?.trim() || null,
  age: (age: number | null) => age ?? expect.any(Number),
  phones: (phones: string[]) => [...new Set(phones.map(normalizePhone))],
  address: (address: unknown) => addressField.parse(address),
};
const storedValues = (values: object) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      (storedFields[name] ?? storedValue)(value as never),
    ]),
  );

/** The path at which the record of a response can be read, if there is one. */
function recordPathOf(request: RouteRequest, path: string, { headers }: ApiResponse): string | null {
  const location = headers.get("Location");
  if (location) return location;
  // The id of `GET /api/mappings/:id` is a patient's.
  const canBeRead = routeRequests.some(
    (one) =>
      routeMethod(one) === "GET" && routePath(one) === routePath(request) && one.answer === request.answer,
  );
  // What a POST below a record creates is in a list at its path.
  return canBeRead && request.route.includes(":id") && routeMethod(request) !== "POST" ? path : null;
}

test.each(withFreeFields)(
  "$route accepts every valid body, and its values are read back as they were sent",
  propertyTimeout,
  async (request) => {
    const free = Object.keys(freeFieldsOf(request));
    const worlds = new Map<string, World>();
    const overwrites = ["PUT", "PATCH"].includes(routeMethod(request));
    await checkProperty(
      fc.asyncProperty(freeValues(request), async (values) => {
        fc.pre(values["age"] == null || values["birth_date"] == null); // they may disagree
        fc.pre(!CONTROL_WITH_JOINER.test(JSON.stringify(values)));
        const { account, about } = await enterWorld(worlds, request, !overwrites);
        const rest = Object.entries(about.body ?? {}).filter(([name]) => !free.includes(name));
        const body = { ...Object.fromEntries(rest), ...values };
        const answer = await sendRouteRequest(account, request, { ...about, body });
        // Somebody has that name or email already, or nothing can change the record any more: an appointment that has ended.
        if (answer.status === 409) worlds.delete(request.route);
        fc.pre(answer.status !== 409);
        fc.pre(!overwrites || !conflictsWithRecord(answer));
        // An age that may be right by the known birth date is not stored.
        fc.pre(values["age"] == null || answer.body.birth_date == null);
        expect(answer).toMatchObject({ status: request.status, body: storedValues(values) });
        const recordPath = recordPathOf(request, routePath(request, about), answer);
        if (recordPath)
          expect(await account.get(recordPath)).toMatchObject({ status: 200, body: answer.body });
      }),
      10,
    );
  },
);

/**
 * Messages of rules for queries that JSON Schema cannot express: about two parameters together, all of Unicode, or the
 * calendar; and of an id that must exist.
 */
const INEXPRESSIBLE =
  /^((Must (not be (before|less than) .*|contain more than accents and punctuation|be (a date like|at most \d+ days after) .*)|There is no such patient\.)\n?)+$/;

test.each(withQuery)("$route accepts every valid query", propertyTimeout, async (request) => {
  const { cursor, since, ...parameters } = queryOf(request);
  const model = Object.entries(parameters).map(([name, schema]) => [name, valid(schema)] as const);
  const worlds = new Map<string, World>();
  const reads = routeMethod(request) === "GET";
  await checkProperty(
    fc.asyncProperty(fc.record(Object.fromEntries(model), { requiredKeys: [] }), async (values) => {
      const { account, about } = await enterWorld(worlds, request, !reads);
      const query = new URLSearchParams(Object.entries(values).map(([name, value]) => [name, String(value)]));
      const answer = await sendToPath(account, request, `${routePath(request, about)}?${query}`, about);
      if (answer.status !== 400) expect([200, request.status]).toContain(answer.status);
      else expect(Object.values(answer.body.errors).flat().join("\n")).toMatch(INEXPRESSIBLE);
    }),
    10,
  );
});

test(
  "every valid password can log in after registration, and no other password can",
  propertyTimeout,
  async () => {
    const registration = routeRequests.find(({ route }) => route === "POST /api/auth/register");
    const { password = {} } = fieldsOf(bodyOf(registration as RouteRequest) ?? {});
    await checkProperty(
      fc.asyncProperty(valid(password), async (password) => {
        const [api, username] = [connectApi(), uniqueName("user-")];
        const registered = { username, email: "ada@example.org", password };
        const answer = await api.post("/api/auth/register/", registered);
        // A password of the list, "prototype", is one that JSON Schema cannot exclude.
        fc.pre(!answer.body.error_codes?.password?.includes("password_too_common"));
        expect(answer).toMatchObject({ status: 201 });
        expect(await api.post("/api/auth/login/", { username, password })).toMatchObject({ status: 200 });
        fc.pre(String(password).trim() !== PASSWORD);
        expect(await api.post("/api/auth/login/", { username, password: PASSWORD })).toMatchObject({
          status: 401,
        });
      }),
      10,
    );
  },
);
