import type * as z from "zod/mini";

/** The fields of a body that a contract refuses; `body` when it is not an object at all. */
export function refusedFields(contract: z.ZodMiniType, sent: unknown): string[] {
  const issues = contract.safeParse(sent).error?.issues ?? [];
  const fields = issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" ? issue.keys : issue.path.join(".") || "body",
  );
  return [...new Set(fields)];
}

/** Which of `values` a contract refuses as the `field` of a body that is `valid` without. */
export const refusedValues = (contract: z.ZodMiniType, valid: object, field: string, values: unknown[]) =>
  values.filter((value) => refusedFields(contract, { ...valid, [field]: value }).includes(field));
