import type * as z from "zod/mini";

/** Lists the fields of a body that a schema refuses; `body` when it is not an object at all. */
export function fieldsRefusedBy(schema: z.ZodMiniType, sent: unknown): string[] {
  const issues = schema.safeParse(sent).error?.issues ?? [];
  const fields = issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" ? issue.keys : issue.path.join(".") || "body",
  );
  return [...new Set(fields)];
}

/** Lists those of `values` that a schema refuses as `field` of a body that is valid otherwise. */
export const valuesRefusedBy = (schema: z.ZodMiniType, valid: object, field: string, values: unknown[]) =>
  values.filter((value) => fieldsRefusedBy(schema, { ...valid, [field]: value }).includes(field));
