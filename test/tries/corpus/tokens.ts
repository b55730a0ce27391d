/** A token as it might be forged; what it does not say is as in a good one of the account `{account}`. */
export interface Forgery {
  name: string;
  why: string;
  header?: Record<string, unknown>;
  /** What is `null` is left out. */
  claims?: Record<string, unknown>;
  /** Another key than ours, or no signature. */
  signed?: "with another key" | "with an empty key" | "not at all" | "with SHA-512";
  /** The whole header Authorization; `{token}` is the token. */
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
  { name: `alg ${alg}, signed by us`, why: "the header would say how it is verified", header: { alg } },
]);
const oddAlgorithms: Forgery[] = [undefined, null, ["HS256"], { name: "HS256" }, 256, true].map((alg) => ({
  name: `alg ${JSON.stringify(alg)}`,
  why: "the header would say how it is verified",
  header: { alg },
}));

/** Headers that say where the key is to be found. */
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

/** Of the right key: what we never sign, were somebody to sign it. */
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
].map((said) => ({
  name: `a token that says ${JSON.stringify(said).slice(0, 60)}`,
  why: "it is none of ours, or none of now",
  claims: said,
}));

/** What is sent in place of a token, or around one. */
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
  why: "what is no good token as it stands must not be mended",
  sent: text,
  ...(text === "Bearer {token}==" && { answers: [200, 401] }),
}));

export const forgeries: Forgery[] = [
  { name: "a good token", why: "the control: what the others imitate", answers: [200] },
  { name: "another key", why: "anybody has one", signed: "with another key" },
  { name: "an empty key", why: "a secret that is not set", signed: "with an empty key" },
  {
    name: "SHA-512 of our key",
    why: "another algorithm than ours",
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
