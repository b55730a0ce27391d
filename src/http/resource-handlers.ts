import { createFactory } from "hono/factory";
import { type ReportedConstraint, sendAgainOnViolation } from "../db/errors.ts";
import type { Caller } from "../db/query/caller.ts";
import type { CreateResult } from "../db/query/idempotent-create.ts";
import type { PagePosition, PageRequest } from "../db/query/list.ts";
import type {
  ChangedRecord,
  ChangeParams,
  DeleteParams,
  FindParams,
  FoundRecord,
  NewRecordState,
  TargetState,
} from "../db/query/resource.ts";
import type { MergedState } from "../db/query/successor.ts";
import type { Json } from "../db/statement.ts";
import type * as z from "../zod.ts";
import type { AuthenticatedEnv } from "./context.ts";
import { requireValidFields } from "./database-field-errors.ts";
import { IdPath } from "./fields.ts";
import { IdempotencyKey, requireReplayable, respondCreated } from "./idempotency.ts";
import { type ListQuery, parsePageRequest, respondPage } from "./pagination.ts";
import {
  formatEtag,
  ReadPreconditions,
  type ResourceKind,
  requireWritable,
  respondIfModified,
  versionsToChange,
  versionsToRead,
  WritePreconditions,
} from "./preconditions.ts";
import {
  duplicateProblem,
  notFoundProblem,
  requireClinicRole,
  requireFound,
  requireNotMerged,
} from "./problems.ts";
import { respondJson } from "./respond.ts";
import { validate, validateHeaders } from "./validation.ts";

// The handlers that all kinds of records share: validate the request, send one statement, respond.

const { createHandlers } = createFactory<AuthenticatedEnv>();

type ReadPage<Shape> = (
  caller: Caller,
  page: PageRequest,
) => Promise<MergedState & { body: Json<Shape[]>; next: PagePosition | null; isAllowed: boolean }>;

/**
 * `GET /`: one page of a list.
 *
 * @param requireAllowed throws the 403 when the caller may not read the list.
 * @throws {Problem} 400, 403
 */
export const listHandlers = <Shape, Query extends z.ZodMiniType<ListQuery>>(
  query: Query,
  readPage: ReadPage<Shape>,
  requireAllowed: (isAllowed: boolean) => void = () => {},
) =>
  createHandlers(validate("query", query), async (c) => {
    const request = await parsePageRequest(c, c.req.valid("query") as ListQuery);
    const page = await readPage(c.get("caller"), request);
    requireAllowed(page.isAllowed);
    return respondPage(c, page, request);
  });

/**
 * `GET /:id/…`: one page of a list that belongs to a record.
 *
 * @throws {Problem} 400; 404 when the caller may not read that record; 410 when it was merged.
 */
export const nestedListHandlers = <Shape, Query extends z.ZodMiniType<ListQuery>>(
  resourceName: string,
  query: Query,
  readPage: ReadPage<Shape>,
) =>
  createHandlers(validate("param", IdPath), validate("query", query), async (c) => {
    const request = await parsePageRequest(c, c.req.valid("query") as ListQuery);
    const filters = { ...request.filters, ...c.req.valid("param") };
    const page = await readPage(c.get("caller"), { ...request, filters });
    requireNotMerged(page);
    if (!page.isAllowed) throw notFoundProblem(resourceName);
    return respondPage(c, page, request);
  });

/**
 * `POST /`: creates a record.
 *
 * @param path the path of the list; the record's is `path/id/`.
 * @param constraint the unique constraint that a duplicate violates: it decides the 409.
 * @throws {Problem} 400, 409, 413, 415, 422
 */
export const postHandlers = <Shape, Schema extends z.ZodMiniType<object>>(
  path: string,
  schema: Schema,
  create: (
    caller: Caller,
    values: { record: object },
    key: string | undefined,
  ) => Promise<CreateResult<Shape> & NewRecordState>,
  constraint: ReportedConstraint,
) =>
  createHandlers(validateHeaders(IdempotencyKey), validate("json", schema), async (c) => {
    const { "Idempotency-Key": key } = c.req.valid("header");
    const record = c.req.valid("json") as object;
    const result = await sendAgainOnViolation(constraint, () => create(c.get("caller"), { record }, key));
    requireAccepted(result, constraint);
    return respondCreated(result, creationHeaders(path, result));
  });

/** @throws {Problem} 400, 403, 409, 422 when a record was refused for what `NewRecordState` says */
export function requireAccepted<Shape>(
  result: CreateResult<Shape> & NewRecordState,
  constraint: ReportedConstraint,
): void {
  requireReplayable(result);
  if (result.body !== null) return;
  requireClinicRole(result.isAllowed !== false);
  requireValidFields(result.fieldErrors);
  if (result.existing !== null) throw duplicateProblem(constraint, result.existing);
}

/** @param path of the list */
export const creationHeaders = (path: string, { id, etag }: { id: number | null; etag: string | null }) => ({
  Location: `${path}/${id}/`,
  ETag: formatEtag(etag ?? ""),
});

/** `GET /:id`: one record, or 304 when the client has its version. @throws {Problem} 400, 404, 412 */
export const getHandlers = <Shape>(
  resourceName: string,
  find: (caller: Caller, values: FindParams) => Promise<FoundRecord<Shape>>,
) =>
  createHandlers(validate("param", IdPath), validateHeaders(ReadPreconditions), async (c) => {
    const headers = c.req.valid("header");
    const values = { ...c.req.valid("param"), ...versionsToRead(headers) };
    return respondIfModified(c, await find(c.get("caller"), values), headers, resourceName);
  });

/**
 * `DELETE /:id`: deletes a record.
 *
 * @param requireDeletable throws the 409 when the result says why the record was not deleted.
 * @throws {Problem} 400, 403, 404, 409, 412, 428
 */
export const deleteHandlers = <Result extends TargetState>(
  resourceName: ResourceKind,
  remove: (caller: Caller, values: DeleteParams) => Promise<Result>,
  requireDeletable: (result: Result) => void = () => {},
) =>
  createHandlers(validate("param", IdPath), validateHeaders(WritePreconditions), async (c) => {
    const headers = c.req.valid("header");
    const values = { ...c.req.valid("param"), ...versionsToChange(c, headers) };
    const result = await remove(c.get("caller"), values);
    requireWritable(result, resourceName, headers);
    requireDeletable(result);
    return c.body(null, 204);
  });

/**
 * `PUT` and `PATCH /:id`: changes the fields that are sent and leaves the others.
 *
 * @param constraint the unique constraint that a duplicate violates: it decides the 409.
 * @throws {Problem} 400, 403, 404, 409, 412, 413, 415, 428
 */
export const updateHandlers = <Shape, Schema extends z.ZodMiniType<object>>(
  resourceName: ResourceKind,
  schema: Schema,
  update: (caller: Caller, values: ChangeParams) => Promise<ChangedRecord<Shape>>,
  constraint: ReportedConstraint,
) =>
  createHandlers(
    validate("param", IdPath),
    validateHeaders(WritePreconditions),
    validate("json", schema),
    async (c) => {
      const headers = c.req.valid("header");
      const changes = c.req.valid("json") as object;
      const values = { ...c.req.valid("param"), changes, ...versionsToChange(c, headers) };
      const { etag, body, fieldErrors, existing, ...target } = await sendAgainOnViolation(constraint, () =>
        update(c.get("caller"), values),
      );
      requireWritable(target, resourceName, headers);
      requireValidFields(fieldErrors);
      if (existing) throw duplicateProblem(constraint, existing);
      return respondJson(requireFound(body, resourceName), 200, {
        ETag: formatEtag(requireFound(etag, resourceName)),
      });
    },
  );
