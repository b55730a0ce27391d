import { readFileSync } from "node:fs";
import { expect, expectTypeOf, test } from "vitest";
import type * as z from "zod/mini";
import { generateTypes, typesFile } from "../../client/generate-types.ts";
import type {
  AppointmentQuery,
  AssignmentQuery,
  DoctorQuery,
  EarliestSlotsQuery,
  PatientQuery,
  SlotsQuery,
} from "../../client/index.ts";
import type { AppointmentsQuery } from "../../src/appointments/requests.ts";
import type { AssignmentsQuery } from "../../src/assignments/requests.ts";
import type { DoctorsQuery } from "../../src/doctors/requests.ts";
import type { PatientsQuery } from "../../src/patients/requests.ts";
import type * as slots from "../../src/schedules/requests.ts";

test("client/types.ts matches the API's schemas", async () => {
  expect(readFileSync(typesFile, "utf8")).toBe(await generateTypes());
});

/** The parameters of a list route without where to go on, which the client sends itself. */
type Parameters<Schema extends z.ZodMiniType> = Omit<z.output<Schema>, "cursor" | "after">;
/** The same with every parameter required: "optional" is written in more than one way. */
type AllRequired<Query> = { [Name in keyof Query]-?: NonNullable<Query[Name]> };

test("a list method takes the same parameters as its route", () => {
  expectTypeOf<AllRequired<PatientQuery>>().toEqualTypeOf<AllRequired<Parameters<typeof PatientsQuery>>>();
  expectTypeOf<AllRequired<DoctorQuery>>().toEqualTypeOf<AllRequired<Parameters<typeof DoctorsQuery>>>();
  expectTypeOf<AllRequired<AssignmentQuery>>().toEqualTypeOf<
    AllRequired<Parameters<typeof AssignmentsQuery>>
  >();
  expectTypeOf<AllRequired<AppointmentQuery>>().toEqualTypeOf<
    AllRequired<Parameters<typeof AppointmentsQuery>>
  >();
  expectTypeOf<AllRequired<SlotsQuery>>().toEqualTypeOf<AllRequired<Parameters<typeof slots.SlotsQuery>>>();
  expectTypeOf<AllRequired<EarliestSlotsQuery>>().toEqualTypeOf<
    AllRequired<Parameters<typeof slots.EarliestSlotsQuery>>
  >();
});

test("in client/types.ts each type and each of its fields has the description of the OpenAPI document", () => {
  const lines = readFileSync(typesFile, "utf8").split("\n");
  const isDeclaration = (line: string) => /^(export| {2}[a-z_\d]+\??:)/.test(line);
  const undocumented = lines.filter((line, i) => isDeclaration(line) && !lines[i - 1]?.endsWith("*/"));
  expect(lines.filter(isDeclaration).length).toBeGreaterThan(150);
  expect(undocumented).toEqual([]);
  expect(lines).toContain("  /** The age in whole years. */");
});
