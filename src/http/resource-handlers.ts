import { createFactory } from "hono/factory";
import type { GuardedEnv } from "../auth/require-account.ts";
import { duplicate, type UniqueName } from "../db/errors.ts";
import type { Caller } from "../db/query/caller.ts";
import type { Made } from "../db/query/idempotent-create.ts";
import type { Page, Position } from "../db/query/list.ts";
import type { Target } from "../db/query/resource.ts";
import type { Json } from "../db/statement.ts";
import type * as z from "../zod.ts";
import { ById } from "./fields.ts";
import { IdempotencyKey, respondWithMade } from "./idempotency.ts";
import type { ListQuery } from "./list-query.ts";
import { pageOf, respondWithPage } from "./pagination.ts";
import {
  etagOf,
  expectedVersions,
  IfMatch,
  IfNoneMatch,
  type Kind,
  knownVersions,
  requireWritable,
  respondIfNew,
} from "./preconditions.ts";
import { notFound, Problem, requireFound } from "./problems.ts";
import { respond } from "./respond.ts";
import { validate, validateHeaders } from "./validation.ts";

// The handlers that every kind of record has, each of a statement: path → validate → statement → answer.

const { createHandlers } = createFactory<GuardedEnv>();

/** What a statement says of a page of a list. */
type Listed<Shape> = { body: Json<Shape[]>; next: Position | null; allowed: boolean };

/** `GET /`: pages of a list. */
export const listOf = <Shape, Query extends z.ZodMiniType<ListQuery>>(
  query: Query,
  list: (caller: Caller, page: Page) => Promise<Listed<Shape>>,
  requireAllowed: (allowed: boolean) => void = () => {},
) =>
  createHandlers(validate("query", query), async (c) => {
    const page = await pageOf(c, c.req.valid("query") as ListQuery);
    const listed = await list(c.get("caller"), page);
    requireAllowed(listed.allowed);
    return respondWithPage(c, listed, page);
  });

/** `GET /:id/…`: pages of a list that belongs to one record, of which the caller may see none when it is not `allowed`. */
export const listUnder = <Shape, Query extends z.ZodMiniType<ListQuery>>(
  what: string,
  query: Query,
  list: (caller: Caller, page: Page) => Promise<Listed<Shape>>,
) =>
  createHandlers(validate("param", ById), validate("query", query), async (c) => {
    const page = await pageOf(c, c.req.valid("query") as ListQuery);
    const filters = { ...page.filters, ...c.req.valid("param") };
    const listed = await list(c.get("caller"), { ...page, filters });
    if (!listed.allowed) throw notFound(what);
    return respondWithPage(c, listed, page);
  });

/** `POST /`: makes a record, which is then at `path/id/`, unless there is one that has what is `unique`. */
export const creationOf = <Shape, Schema extends z.ZodMiniType<object>>(
  path: string,
  schema: Schema,
  create: (
    caller: Caller,
    values: { record: object },
    key: string | undefined,
  ) => Promise<Made<Shape> & { taken: boolean }>,
  unique: UniqueName,
) =>
  createHandlers(validateHeaders(IdempotencyKey), validate("json", schema), async (c) => {
    const { "Idempotency-Key": key } = c.req.valid("header");
    const made = await create(c.get("caller"), { record: c.req.valid("json") as object }, key);
    if (made.body === null && !made.mistaken && made.taken) throw new Problem(409, duplicate(unique));
    return respondWithMade(made, { Location: `${path}/${made.id}/`, ETag: etagOf(1) });
  });

/** `GET /:id`: one record, unless the client has it. */
export const readingOf = <Shape>(
  what: string,
  find: (
    caller: Caller,
    values: { id: number; known: number[] },
  ) => Promise<{ version: number | null; body: Json<Shape> | null }>,
) =>
  createHandlers(validate("param", ById), validateHeaders(IfNoneMatch), async (c) => {
    const match = c.req.valid("header");
    const values = { ...c.req.valid("param"), known: knownVersions(match) };
    return respondIfNew(c, await find(c.get("caller"), values), match, what);
  });

/** `DELETE /:id`: deletes a record, unless `refuse` throws for what the statement says of it. */
export const deletionOf = <Deleted extends Target & { gone: boolean }>(
  what: Kind,
  remove: (caller: Caller, values: { id: number; expected: number[] | null }) => Promise<Deleted>,
  refuse: (deleted: Deleted) => void = () => {},
) =>
  createHandlers(validate("param", ById), validateHeaders(IfMatch), async (c) => {
    const expected = expectedVersions(c, c.req.valid("header"));
    const deleted = await remove(c.get("caller"), { ...c.req.valid("param"), expected });
    requireWritable(deleted, what);
    refuse(deleted);
    return c.body(null, 204);
  });

/** `PUT` and `PATCH /:id`: changes the fields that are sent, and leaves the others. */
export const changeOf = <Shape, Schema extends z.ZodMiniType<object>>(
  what: Kind,
  schema: Schema,
  change: (
    caller: Caller,
    values: { id: number; changes: object; expected: number[] | null },
  ) => Promise<Target & { version: number | null; body: Json<Shape> | null }>,
) =>
  createHandlers(validate("param", ById), validateHeaders(IfMatch), validate("json", schema), async (c) => {
    const expected = expectedVersions(c, c.req.valid("header"));
    const values = { ...c.req.valid("param"), changes: c.req.valid("json") as object, expected };
    const { version, body, ...target } = await change(c.get("caller"), values);
    requireWritable(target, what);
    return respond(requireFound(body, what), 200, { ETag: etagOf(requireFound(version, what)) });
  });
