import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { expect, test } from "vitest";

const project = join(import.meta.dirname, "..", "..");

/** The folders of src/ from the top layer down. A module imports modules of its own folder and of the layers below. */
const layers = [
  ["index.ts"],
  ["app.ts"],
  [
    "accounts",
    "appointments",
    "assignments",
    "audit",
    "auth",
    "calendar-feeds",
    "changes",
    "doctors",
    "emergency-accesses",
    "health",
    "clinics",
    "identifier-systems",
    "invitations",
    "patients",
    "schedules",
  ],
  ["http", "scheduled-cleanup.ts"],
  ["audit-digests"],
  ["db"],
  ["config.ts", "crypto.ts", "email.ts", "local-host.ts", "zod.ts"],
];
/** Every group requires an account. */
const REQUIRE_ACCOUNT = join("src", "auth", "require-account.ts");

const layerOf = (folder: string) => layers.findIndex((names) => names.includes(folder));

/** The imports of a module that go up, sideways or out of src/. */
function forbiddenImports(file: string): string[] {
  const [, folder = ""] = file.split(sep);
  const specifiers = readFileSync(join(project, file), "utf8").matchAll(/ from "(\.[^"]+)"/g);
  return [...specifiers].flatMap(([, specifier = ""]) => {
    const target = normalize(join(dirname(file), specifier));
    const [root, targetFolder = ""] = target.split(sep);
    const isOwn = root === "src" && targetFolder === folder;
    const isBelow = root === "src" && layerOf(targetFolder) > layerOf(folder);
    const isLowest = layerOf(folder) === layers.length - 1 && layerOf(targetFolder) === layerOf(folder);
    return isOwn || isBelow || isLowest || target === REQUIRE_ACCOUNT ? [] : [`${file} imports ${target}`];
  });
}

test("imports in src/ go from the app down to the configuration, and no group imports another one", () => {
  const files = readdirSync(join(project, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join("src", file));
  expect(files.filter((file) => layerOf(file.split(sep)[1] ?? "") < 0)).toEqual([]);
  expect(files.flatMap(forbiddenImports)).toEqual([]);
});
