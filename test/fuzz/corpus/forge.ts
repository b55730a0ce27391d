import { tokenClaims as anyClaims } from "../../support/accounts.ts";
import { JWT_SECRET } from "../../support/api.ts";
import type { Forgery } from "./tokens.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const inBase64 = (data: Uint8Array) => data.toBase64({ alphabet: "base64url", omitPadding: true });
const part = (value: unknown) => inBase64(bytes(JSON.stringify(value)));

/** Written by hand, because no library signs such tokens. */
async function signatureOf(text: string, signed: Forgery["signed"]): Promise<string> {
  if (signed === "not at all") return "";
  const secret = {
    "with another key": "another key of at least thirty-two bytes",
    "with an empty key": "\0",
  };
  const key = secret[signed as keyof typeof secret] ?? JWT_SECRET;
  const algorithm = { name: "HMAC", hash: signed === "with SHA-512" ? "SHA-512" : "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", bytes(key), algorithm, false, ["sign"]);
  return inBase64(new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytes(text))));
}

/** Forges a token of an account. Returns the token and its parts by the names that `sent` uses. */
export async function forge(forgery: Forgery, own: Record<string, unknown>): Promise<Record<string, string>> {
  const claims = Object.entries({ ...anyClaims(), ...own, ...forgery.claims });
  const header = part({ alg: "HS256", typ: "JWT", ...forgery.header });
  const payload = part(Object.fromEntries(claims.filter(([, value]) => value !== null)));
  const signature = await signatureOf(`${header}.${payload}`, forgery.signed);
  return { token: `${header}.${payload}.${signature}`, header, payload, signature };
}
