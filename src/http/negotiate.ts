import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { Problem } from "./problems.ts";

/** The range that takes everything, unless it is said to take nothing. */
const ANYTHING = /\*\/\*(?! *; *q=0(?:\.0+)? *(?:,|$))/;

/**
 * The media type that the client likes best of those that there are; the first when it likes all the same (RFC 9110,
 * section 12.5.1).
 *
 * @throws {Problem} 406 when it takes none of them
 */
export function negotiate<Type extends string>(c: Context, types: [Type, ...Type[]]): Type {
  const takesAnything = ANYTHING.test(c.req.header("Accept") ?? "*/*");
  const liked = accepts(c, { header: "Accept", supports: types, default: takesAnything ? types[0] : "" });
  const type = types.find((one) => one === liked);
  if (!type) throw new Problem(406, `This comes as ${types.join(" or ")}.`);
  return type;
}
