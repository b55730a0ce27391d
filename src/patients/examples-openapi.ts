// The patient in the examples.

/** The fields that a client sends. */
export const exampleNewPatient = {
  firstname: "Grace",
  lastname: "Hopper",
  email: "grace@example.org",
  age: 85,
  gender: "F" as const,
  email_shared: false,
  anonymous: false,
  phones: ["+12025550143"],
  address: {
    lines: ["1 Chapel Street"],
    city: "New Haven",
    region: "CT",
    postal_code: "06510",
    country: "US" as const,
  },
  // Those of an identifier system that is not there are refused.
  identifiers: [] as { system: string; value: string }[],
};

/** The patient in a response. */
export const examplePatient = {
  id: 7,
  ...exampleNewPatient,
  birth_date: null,
  age_as_of: "2026-09-06",
  identifiers: [{ system: "mrn", value: "00217" }],
  created_by: 12,
  created_at: "2026-09-06T09:45:06.922Z",
  updated_at: "2026-09-06T09:45:06.922Z",
  version: 1,
};
