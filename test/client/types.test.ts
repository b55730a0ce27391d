import { readFileSync } from "node:fs";
import { expect, expectTypeOf, test } from "vitest";
import type * as z from "zod/mini";
import { typesFile, typesOfContract } from "../../client/generate-types.ts";
import type { AssignmentQuery, DoctorQuery, PatientQuery } from "../../client/index.ts";
import type { DoctorsQuery } from "../../src/doctors/contract.ts";
import type { AssignmentsQuery } from "../../src/mappings/contract.ts";
import type { PatientsQuery } from "../../src/patients/contract.ts";

test("The client's types are what the API's schemas say now", async () => {
  expect(readFileSync(typesFile, "utf8")).toBe(await typesOfContract());
});

/** What a list route takes, but for the cursor, which is the client's own affair. */
type Parameters<Schema extends z.ZodMiniType> = Omit<z.output<Schema>, "cursor">;
/** The same with every parameter there, for what may be left out is written in more than one way. */
type Whole<Query> = { [Name in keyof Query]-?: NonNullable<Query[Name]> };

test("A list takes the parameters that its route does", () => {
  expectTypeOf<Whole<PatientQuery>>().toEqualTypeOf<Whole<Parameters<typeof PatientsQuery>>>();
  expectTypeOf<Whole<DoctorQuery>>().toEqualTypeOf<Whole<Parameters<typeof DoctorsQuery>>>();
  expectTypeOf<Whole<AssignmentQuery>>().toEqualTypeOf<Whole<Parameters<typeof AssignmentsQuery>>>();
});
