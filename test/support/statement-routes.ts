import { renderStatement } from "../../src/db/render.ts";
import { statements } from "../../src/db/statement.ts";
import "../../src/app.ts";
import "../../src/scheduled-cleanup.ts";

/**
 * The routes that the first line of a statement names, as the app has them. `PUT, PATCH /api/patients/:id` are two
 * routes of one path.
 */
export function parseRoutes(header: string): string[] {
  let path = "";
  const parts = header.split(", ").reverse();
  return parts.map((part) => {
    const [method = "", own] = part.split(" /");
    path = own ?? path;
    return `${method} /${path}`;
  });
}

/** The routes of every statement that has a function, by the statement's name. */
export const statementRoutes = new Map(
  [...statements].map(([name, { query }]) => {
    const [, header = ""] = /^-- (.*)\n/.exec(renderStatement(query).text) ?? [];
    return [name, header === "Scheduled cleanup" ? [] : parseRoutes(header)];
  }),
);
