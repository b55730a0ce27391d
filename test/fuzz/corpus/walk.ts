import { newAccount, type TestAccount, uniqueName } from "../../support/accounts.ts";
import type { ApiResponse } from "../../support/api.ts";
import { insertRecords, nextOf } from "../../support/pages.ts";
import type { Hostile } from "./hostile.ts";

/** The values of the names in braces in the requests of the corpus. */
type Names = Record<string, string>;

const cursorOf = (page: ApiResponse) => (nextOf(page) ?? "").replace(/.*cursor=/, "");

/** Creates an account with a patient, doctors, a history and cursors, and another account; both by name. */
export async function createScene(): Promise<{ account: TestAccount; other: TestAccount; names: Names }> {
  const [account, other] = [await newAccount(), await newAccount()];
  const [patient = 0] = await insertRecords("patients", account, 3);
  const [others_patient] = await insertRecords("patients", other, 3);
  await insertRecords("doctors", account, 2);
  const path = `/api/patients/${patient}/`;
  for (const age of [40, 41]) await account.patch(path, { age });
  const names = {
    patient: String(patient),
    others_patient: String(others_patient),
    token: account.token,
    others_session: other.sid,
    others_payload: other.token.split(".")[1] ?? "",
    cursor: cursorOf(await account.get("/api/patients/?limit=1")),
    others_cursor: cursorOf(await other.get("/api/patients/?limit=1")),
    doctors_cursor: cursorOf(await account.get("/api/doctors/?limit=1")),
    history_cursor: cursorOf(await account.get(`${path}history/?limit=1`)),
  };
  return { account, other, names };
}

/**
 * Replaces the names in braces. `{cursor:flip:3}` is the cursor with a bit of its byte 3 inverted, `{cursor:cut:1}`
 * without its last byte.
 */
export const fillIn = (text: string, names: Names): string =>
  text
    .replace(/\{cursor:(flip|cut):(-?\d+)\}/g, (_, how, count) =>
      changeCursor(names["cursor"] ?? "", how, Number(count)),
    )
    .replaceAll("{email}", () => `${uniqueName("hostile-")}@example.org`)
    .replace(/\{(\w+)\}/g, (whole, name) => names[name] ?? whole);

function changeCursor(cursor: string, how: string, count: number): string {
  const bytes = Uint8Array.fromBase64(cursor, { alphabet: "base64url" });
  if (how === "flip") bytes.set([(bytes.at(count) ?? 0) ^ 1], count < 0 ? bytes.length + count : count);
  const rest = how === "cut" ? bytes.subarray(0, -count) : bytes;
  return rest.toBase64({ alphabet: "base64url", omitPadding: true });
}

export async function encodeBody({ body, encoding }: Hostile, names: Names): Promise<BodyInit | undefined> {
  if (body === undefined) return undefined;
  const text = fillIn(body, names);
  const isUtf16 = encoding?.startsWith("utf-16");
  const units = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  if (encoding === "latin1") return Uint8Array.from(units);
  if (isUtf16)
    return Uint8Array.from(
      units.flatMap((unit) => (encoding === "utf-16le" ? [unit, unit >> 8] : [unit >> 8, unit])),
    );
  const bytes = new TextEncoder().encode(text);
  if (encoding !== "gzip") return bytes;
  return new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
}
