/** A forged token. What a forgery does not set is as in a valid token of the test's account. */
export interface Forgery {
  name: string;
  why: string;
  header?: Record<string, unknown>;
  /** Claims that are `null` are left out. */
  claims?: Record<string, unknown>;
  /** Another key than that of the API, or no signature. */
  signed?: "with another key" | "with an empty key" | "not at all" | "with SHA-512";
  /** The whole Authorization header; `{token}` is the token. */
  sent?: string;
  answers?: number[];
}

const algorithms: Forgery[] = [
  "none",
  "None",
  "NONE",
  "nOnE",
  "",
  "HS384",
  "HS512",
  "RS256",
  "ES256",
  "PS256",
  "EdDSA",
  "hs256",
  "dir",
].flatMap((alg) => [
  {
    name: `alg ${alg}, unsigned`,
    why: "a token would need no key",
    header: { alg },
    signed: "not at all" as const,
  },
  {
    name: `alg ${alg}, signed with the right key`,
    why: "the token would decide how it is verified",
    header: { alg },
  },
]);
const oddAlgorithms: Forgery[] = [undefined, null, ["HS256"], { name: "HS256" }, 256, true].map((alg) => ({
  name: `alg ${JSON.stringify(alg)}`,
  why: "the token would decide how it is verified",
  header: { alg },
}));

/** Headers that say where the key is. */
const keys: Forgery[] = [
  { kid: "../../../../dev/null" },
  { kid: "x' UNION SELECT '' --" },
  { kid: "/proc/self/environ" },
  { jku: "https://evil.example/keys" },
  { x5u: "https://evil.example/cert" },
  { jwk: { kty: "oct", k: "YW5vdGhlciBrZXkgb2YgYXQgbGVhc3QgdGhpcnR5LXR3byBieXRlcw" } },
  { x5c: ["MIIB"] },
].flatMap((header) => [
  {
    name: `${Object.keys(header)} and another key`,
    why: "it would bring its own key",
    header,
    signed: "with another key" as const,
  },
  {
    name: `${Object.keys(header)} and an empty key`,
    why: "it would find an empty key",
    header,
    signed: "with an empty key" as const,
  },
]);

const year = 366 * 24 * 60 * 60;
const now = Math.floor(Date.now() / 1000);

/** Signed with the right key, but with claims that the API never signs. */
const claims: Forgery[] = [
  ...[now - 1, now - year, 0, -1, String(now + 900), null, [now + 900], true, "never", {}].map((exp) => ({
    exp,
  })),
  ...[now + 600, now + year].flatMap((future) => [{ nbf: future }, { iat: future }]),
  ...["hotel-api", "", null, ["hospital-api"], { a: 1 }, 7].map((iss) => ({ iss })),
  ...["hotel-api", "", null, [], ["hotel-api"], { 0: "hospital-api" }, 7].map((aud) => ({ aud })),
  ...[
    1,
    [1],
    ["1"],
    -1,
    "-1",
    "1.0",
    "1e1",
    " 1",
    "1 ",
    "0x1",
    "",
    null,
    "2147483648",
    "9".repeat(400),
    true,
    { id: 1 },
  ].map((sub) => ({ sub })),
  ...["0", "2147483647", "1 OR 1=1", "1'--", "__proto__", "1\0"].map((sub) => ({ sub })),
  ...["", null, "1", 1, ["x"], "' OR '1'='1", "00000000-0000-0000-0000-000000000000", "{others_session}"].map(
    (sid) => ({ sid }),
  ),
  ...[0, -1, 2, 1.5, 2 ** 31, 1e308, "1", null, true, [1]].map((ver) => ({ ver })),
].map((claim) => ({
  name: `a token with ${JSON.stringify(claim).slice(0, 60)}`,
  why: "the API has not signed it, or it is not valid now",
  claims: claim,
}));

/** Text that is sent instead of a token, or around one. */
const sent: Forgery[] = [
  ...[
    "{token}",
    "Bearer",
    "Bearer ",
    "Bearer {token}x",
    "Bearer x{token}",
    "Basic {token}",
    "Bearer {token} {token}",
    "Bearer {token}, Bearer {token}",
  ],
  ...[
    "Bearer {token},Bearer x",
    "Bearer x, Bearer {token}",
    "Bearer Bearer {token}",
    "Token {token}",
    "Bearer={token}",
    "Bearer:{token}",
  ],
  ...[
    "Bearer {header}.{payload}",
    "Bearer {header}.{payload}.",
    "Bearer .{payload}.{signature}",
    "Bearer {payload}.{header}.{signature}",
  ],
  ...[
    "Bearer {header}.{payload}.{signature}.{signature}",
    "Bearer {header}..{signature}",
    "Bearer ..",
    "Bearer {header}.{others_payload}.{signature}",
  ],
  ...[
    "Bearer {signature}.{payload}.{header}",
    'Bearer "{token}"',
    "Bearer {token};",
    "Bearer %65{token}",
    "Bearer null",
    "Bearer {}",
    "Bearer e30.e30.e30",
  ],
  ...[
    `Bearer ${"a".repeat(60_000)}`,
    `Bearer ${"a.".repeat(20_000)}`,
    `Bearer {header}.${"A".repeat(60_000)}.{signature}`,
    "Bearer {token}==",
  ],
].map((text) => ({
  name: `Authorization: ${text.slice(0, 60)}`,
  why: "an invalid header must not be repaired",
  sent: text,
  ...(text === "Bearer {token}==" && { answers: [200, 401] }),
}));

export const forgeries: Forgery[] = [
  { name: "a valid token", why: "the valid one, which the others imitate", answers: [200] },
  { name: "another key", why: "everybody has one", signed: "with another key" },
  { name: "an empty key", why: "the secret could be missing", signed: "with an empty key" },
  {
    name: "SHA-512 of our key",
    why: "another algorithm than that of the API",
    header: { alg: "HS512" },
    signed: "with SHA-512",
  },
  {
    name: "a header that must be understood",
    why: "RFC 7515: crit",
    header: { crit: ["exp"], exp: 0 },
    answers: [200, 401],
  },
  ...algorithms,
  ...oddAlgorithms,
  ...keys,
  ...claims,
  ...sent,
];
