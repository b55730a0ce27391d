import { expect, inject, test } from "vitest";
import { auditActions } from "../../src/db/query/audit-actions.ts";
import { genders, outcomes, roles, specializations } from "../../src/db/schema.ts";
import { closeObjects, type JsonSchema, operationOfRoute, schemaErrors } from "../support/openapi.ts";

// What code generators and validating proxies need of the document.

const document = inject("openApiDocument");
const { schemas } = document.components;
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
const parameters = operations.flatMap((operation) => operation.parameters ?? []);

/** The schemas of a part of the document, at any depth, each with its place. */
function* schemasIn(part: unknown, place: string): Generator<[place: string, schema: JsonSchema]> {
  if (typeof part !== "object" || part === null) return;
  if (!Array.isArray(part)) yield [place, part as JsonSchema];
  for (const [key, value] of Object.entries(part))
    if (key !== "example" && key !== "examples") yield* schemasIn(value, `${place}/${key}`);
}
const isIn = (kind: string) => (operation: (typeof operations)[number]) =>
  Object.values(operation.requestBody?.content ?? {}).some(({ schema }) => schema["$ref"] === kind);
const [requestSchemas, responseSchemas] = [true, false].map((ofRequests) =>
  Object.entries(schemas).filter(
    ([name]) => operations.some(isIn(`#/components/schemas/${name}`)) === ofRequests,
  ),
);
const placesWhere = (part: unknown, isFault: (schema: JsonSchema) => boolean) =>
  [...schemasIn(part, "")].filter(([, schema]) => isFault(schema)).map(([place]) => place);

test("the schemas of requests have no readOnly and no default, those of parameters no default", () => {
  expect(requestSchemas?.map(([name]) => name)).toContain("PatientChanges");
  const isFault = (schema: JsonSchema) => "readOnly" in schema || "default" in schema;
  expect(placesWhere([requestSchemas, parameters], isFault)).toEqual([]);
});

test("the schemas of responses are open to new fields, those of requests are closed", () => {
  const isClosed = (schema: JsonSchema) => schema["additionalProperties"] === false;
  expect(placesWhere(responseSchemas, isClosed)).toEqual([]);
  for (const [name, schema] of requestSchemas ?? []) expect([name, isClosed(schema)]).toEqual([name, true]);
  const patient = schemas["Patient"] ?? {};
  const extended = { ...Object((patient["examples"] as object[])[0]), ward: 3 };
  expect(schemaErrors(document, patient, extended)).toEqual([]);
  expect(schemaErrors(closeObjects(document), closeObjects(patient), extended)).not.toEqual([]);
});

test("enumerations that fields share are named components, and stand nowhere else", () => {
  const named = { Gender: genders, Specialization: specializations, Role: roles, Outcome: outcomes };
  for (const [name, values] of Object.entries({ ...named, AuditAction: auditActions })) {
    expect(schemas[name]).toMatchObject({ type: "string", enum: values });
    expect(placesWhere(document, (schema) => String(schema["enum"]) === String(values))).toEqual([
      `/components/schemas/${name}`,
    ]);
  }
  expect(schemas["Patient"]?.["properties"]).toMatchObject({
    gender: { $ref: "#/components/schemas/Gender" },
  });
  for (const action of auditActions)
    expect(schemas["AuditAction"]?.["description"]).toContain(`\`${action}\``);
});

test("true and false in a query are a boolean", () => {
  const flags = parameters.filter(({ name }) => /^(deleted|active|partial)$/.test(name));
  expect(flags.length).toBeGreaterThan(3);
  for (const { schema } of flags) expect(schema).toEqual({ type: "boolean" });
  expect(placesWhere(parameters, (schema) => Object(schema["enum"]).includes?.("true"))).toEqual([]);
});

test("no pattern has more than 200 characters, a backslash before a slash, or a Unicode class", () => {
  const patterns = [...schemasIn(document, "")].map(([, { pattern }]) => pattern);
  const texts = patterns.filter((pattern) => typeof pattern === "string");
  expect(texts.length).toBeGreaterThan(50);
  const isFault = (text: string) => text.length > 200 || /\\\/|\\[pP]\{/.test(text);
  expect([...new Set(texts.filter(isFault))]).toEqual([]);
});

test("every integer has a format: int32, or int64 without a bound", () => {
  const ids = parameters.filter(({ name }) => /^(id|.*_id|patient|doctor|account)$/.test(name));
  for (const { schema } of ids.filter((one) => one.schema["type"] === "integer"))
    expect(schema).toEqual({ type: "integer", format: "int32", minimum: 1, maximum: 2_147_483_647 });
  expect(schemas["Patient"]?.["properties"]).toMatchObject({ id: { format: "int32" } });
  const isFault = ({ type, format, maximum }: JsonSchema) =>
    type === "integer" && format !== (Number(maximum) < 2 ** 31 ? "int32" : "int64");
  const faults = placesWhere([document.components, parameters], isFault);
  expect(faults.filter((place) => !place.endsWith("/if/properties/doctor"))).toEqual([]);
});

test("every array has maxItems, and every cursor maxLength", () => {
  const isUnbounded = ({ type, maxItems }: JsonSchema) => type === "array" && maxItems === undefined;
  expect(placesWhere(document, isUnbounded)).toEqual([]);
  const cursors = parameters.filter(({ name }) => name === "cursor");
  expect(cursors.length).toBeGreaterThan(5);
  for (const { schema } of cursors) expect(schema["maxLength"]).toBe(8192);
});

test("PUT has the name of what it does, and the paths of assignments say whose id they take", () => {
  const idOf = (route: string) => operationOfRoute(document, route)?.operationId;
  expect(idOf("PUT /api/patients/:id")).toBe("patchPatientByPut");
  expect(idOf("PUT /api/doctors/:id")).toBe("patchDoctorByPut");
  expect(Object.keys(document.paths).filter((path) => path.startsWith("/api/mappings/"))).toEqual([
    "/api/mappings/",
    "/api/mappings/{patient_or_assignment_id}/",
    "/api/mappings/{assignment_id}/delete/",
  ]);
});

/** Bodies that may be sent back: the schema of the request, and the one of the response. */
test.each([
  ["PatientChanges", "Patient"],
  ["NewPatient", "Patient"],
  ["DoctorChanges", "Doctor"],
  ["NewDoctor", "Doctor"],
  ["AccountChanges", "AccountDetails"],
])("%s: a whole %s may be sent, with the read-only fields in the types of the response", (sent, read) => {
  const [request, response] = [schemas[sent] ?? {}, schemas[read] ?? {}];
  const [record] = response["examples"] as Record<string, unknown>[];
  // An account that is linked to a doctor needs a reason.
  const body = read === "AccountDetails" ? { ...record, doctor: null } : record;
  expect(schemaErrors(document, request, body)).toEqual([]);
  const properties = (schema: JsonSchema) => schema["properties"] as Record<string, JsonSchema>;
  // A field of a request may also be null.
  const typeOf = ({ type, anyOf }: JsonSchema) => type ?? (anyOf as JsonSchema[] | undefined)?.[0]?.["type"];
  for (const [field, { $ref, ...schema }] of Object.entries(properties(response)))
    expect([field, properties(request)[field]?.["$ref"], typeOf(properties(request)[field] ?? {})]).toEqual([
      field,
      $ref,
      typeOf(schema),
    ]);
  expect(schemaErrors(document, request, { ...body, id: "7" })).not.toEqual([]);
});
