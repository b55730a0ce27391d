import { each, type Hostile } from "./hostile.ts";

const about =
  (answers: number[], why: string) =>
  (path: string): Hostile => ({
    name: path.length > 60 ? `${path.slice(0, 60)}… (${path.length})` : path,
    why,
    request: `GET ${path}`,
    answers,
  });

/** A path that is neither a record nor a route, however often it is decoded. */
const nowhere = about(
  [404],
  "it must be neither a file, nor a record by another spelling, nor another account's record",
);

export const hostilePaths: Hostile[] = [
  about([200], "the valid one, which the others imitate")("/api/patients/{patient}/"),
  ...each(
    [
      ...[
        "/api/patients/../../etc/passwd",
        "/api/patients/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/api/patients/..%2f{patient}/",
      ],
      ...[
        "/api/patients/....//....//etc/passwd",
        "/.git/config",
        "/.dev.vars",
        "/wrangler.toml",
        "/src/index.ts",
        "/api/.env",
      ],
      ...[
        "//api/patients/",
        "/api//patients/",
        "/api/patients//{patient}/",
        "/api/patients/{patient}//",
        "/api/%2fpatients/",
      ],
      ...[
        "/api/patients%2f{patient}/",
        "/api/patients/{patient}%2fhistory/",
        "/api/patients/{patient}%2Faccesses/",
        "/api%2fpatients/",
      ],
      ...[
        "/api/patients/{patient};admin=1/",
        "/api/patients/{patient}..;/",
        "/api/patients/{patient}.json",
        "/api/patients/{patient}%23/",
      ],
      ...[
        "/api/patients/{patient}%00/",
        "/api/patients/%00{patient}/",
        "/api/patients/{patient}%0d%0aSet-Cookie:a=b/",
        "/api/patients/%20{patient}/",
      ],
      ...[
        "/api/patients/%/",
        "/api/patients/%2/",
        "/api/patients/%zz/",
        "/api/patients/%ff/",
        "/api/patients/%E0%A4%A/",
        "/api/patients/%C0%AE/",
      ],
      ...[
        "/api/patients/%25{patient}/",
        "/api/patients/0{patient}/",
        "/api/patients/+{patient}/",
        "/api/patients/-{patient}/",
        "/api/patients/{patient}.0/",
      ],
      ...[
        "/api/patients/{patient}e0/",
        "/api/patients/0x1/",
        "/api/patients/0/",
        "/api/patients/2147483648/",
        "/api/patients/9".padEnd(400, "9"),
      ],
      ...[
        "/api/patients/1,{patient}/",
        "/api/patients/*/",
        "/api/patients/:id/",
        "/api/patients/__proto__/",
        "/api/patients/constructor/",
      ],
      ...[
        "/api/patients/null/",
        "/api/patients/undefined/",
        "/api/patients/NaN/",
        "/api/patients/true/",
        "/api/patients/١/",
        "/api/patients/１/",
      ],
      ...[
        "/api/patients/{others_patient}/",
        "/api/patients/{others_patient}/history/",
        "/api/mappings/{others_patient}/",
      ],
      ...[
        "/API/patients/{patient}/",
        "/api/Patients/{patient}/",
        "/api/patients/{patient}/delete/",
        "/api/patients/{patient}/x/y/z/",
      ],
      ...[
        "/".repeat(5_000),
        `/api/patients/${"a/".repeat(5_000)}`,
        `/api/patients/${"9".repeat(100_000)}/`,
        `/${"%41".repeat(20_000)}/`,
      ],
    ],
    nowhere,
  ),
  ...each(
    [
      "/api/./patients/{patient}/",
      "/api/nothing/../patients/{patient}/",
      "/api\\patients\\{patient}\\",
      "/api/patients/%2e/{patient}/",
    ],
    about([200, 404], "the client normalises it before it sends it"),
  ),
  ...each(
    [
      ...[
        "?limit=1&limit=2",
        "?limit[]=1",
        "?limit=1;limit=2",
        "?Limit=1",
        "?limit=1%00",
        "?limit=1e1",
        "?limit=-1",
        "?limit=%31%30%30%30",
      ],
      ...[
        "?sort=id,lastname",
        "?sort=password_hash",
        "?sort=id%20DESC",
        "?sort[]=id",
        "?__proto__=1",
        "?constructor=1",
        "?__proto__[x]=1",
      ],
      ...[
        "?search=%00",
        "?search=%FF",
        "?search=%C0%A7%20OR%201=1",
        "?search=",
        "?search=%20%09",
        "?doctor={patient}%20OR%201=1",
        "?doctor=1,2",
        "?deleted=1",
        "?deleted=TRUE",
      ],
      ...[
        "?min_age=50&max_age=49",
        "?min_age=%2B1",
        "?gender=M&gender=F",
        "?gender=*",
        `?search=${"a".repeat(100_000)}`,
        "?fields=*",
        "?include=owner",
      ],
    ].map((query) => `/api/patients/${query}`),
    about([400], "an unknown or invalid filter must not return all patients"),
  ),
  ...each(
    [
      "?search=%25",
      "?search=_",
      "?search=%5C",
      "?search=.*",
      "?search=(((((((((a",
      `?search=${"a".repeat(129)}`,
      "?search=%F0%9F%A9%BA",
    ].map((query) => `/api/patients/${query}`),
    about([200, 400], "a name must not be read as a LIKE pattern or a regular expression"),
  ),
];
