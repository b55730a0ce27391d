import { existsSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createClient } from "../../../client/index.ts";
import { newDoctor, newPatient, PASSWORD, unique } from "../../client/support.ts";
import { type ServedApi, serveApi } from "../../support/serve-api.ts";

// A proxy that validates requests and responses by the OpenAPI document (express-openapi-validator) must let everything
// through that the document describes. It is skipped without the package of test/local/openapi/consumers: see
// generators.test.ts.

const folder = join(import.meta.dirname, "consumers");

describe.skipIf(!existsSync(join(folder, "node_modules")))("behind a validating proxy", () => {
  let api: ServedApi;
  let proxy: Server;
  let token: string;

  beforeAll(async () => {
    api = await serveApi({ DATABASE_TIMEOUT_MS: 60_000 });
    const { startProxy } = await import(join(folder, "proxy.mjs"));
    proxy = await startProxy(inject("openApiDocument"), api.origin);
    const client = createClient({ url: api.origin });
    const username = unique("user-");
    await client.register({ username, email: `${username}@example.org`, password: PASSWORD });
    await client.login({ username, password: PASSWORD });
    token = client.tokens?.access ?? "";
  });
  afterAll(async () => {
    proxy?.close();
    await api?.stop();
  });

  async function send(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const { port } = proxy.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/api/${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", ...headers },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  test.each([
    ["patients", newPatient(), { age: 86 }],
    ["doctors", newDoctor(), { max_appointments_per_day: 3 }],
  ])("a record of %s is read, changed and sent back as a whole", async (kind, sent, change) => {
    const { body: created } = await send("POST", `${kind}/`, sent);
    const path = `${kind}/${created["id"]}/`;
    const { body: record } = await send("GET", path);
    expect(record).toEqual(created);
    for (const [method, version] of [["PUT", 2] as const, ["PATCH", 3] as const]) {
      const headers = { "If-Match": `"${version - 1}"` };
      expect(await send(method, path, { ...record, ...change }, headers)).toEqual({
        status: 200,
        body: { ...record, ...change, version, updated_at: expect.any(String) },
      });
    }
    const other = { ...record, email: `${unique("other-")}@example.org` };
    expect((await send("POST", `${kind}/`, other)).status).toBe(201);
  });

  test("lists are filtered by booleans, enumerations and numbers, and assignments made and read", async () => {
    const { body: patient } = await send("POST", "patients/", newPatient());
    const { body: doctor } = await send("POST", "doctors/", newDoctor());
    const ids = { patient: patient["id"], doctor: doctor["id"] };
    expect((await send("POST", "mappings/", ids)).status).toBe(201);
    expect((await send("GET", `mappings/${ids.patient}/`)).body).toMatchObject({
      doctors: [{ id: ids.doctor }],
    });
    for (const query of ["deleted=true", "gender=F&min_age=1", "search=lov&sort=-id&limit=1"])
      expect((await send("GET", `patients/?${query}`)).status).toBe(200);
    expect((await send("GET", "doctors/?active=true&specialization=NEUR")).status).toBe(200);
  });

  test("the proxy itself refuses an unknown field, and a parameter that is no boolean", async () => {
    const answers = [
      await send("POST", "patients/", { ...newPatient(), ward: 3 }),
      await send("GET", "patients/?deleted=yes"),
    ];
    for (const answer of answers)
      expect(answer).toEqual({ status: 400, body: { refusedByProxy: expect.any(String) } });
  });
});
