import createClient from "openapi-fetch";
import type { components, paths } from "../generated/openapi-typescript";
import { csv, grace, origin, password, username } from "./values";

const api = createClient<paths>({ baseUrl: origin });
await api.POST("/api/auth/register/", { body: { username, email: "ada@example.org", password } });
const login = await api.POST("/api/auth/login/", { body: { username, password } });
api.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${login.data?.access}`);
    return request;
  },
});

const created = (await api.POST("/api/patients/", { body: grace })).data as components["schemas"]["Patient"];
const gender: components["schemas"]["Gender"] = created.gender;
const listed = await api.GET("/api/patients/", { params: { query: { search: "hop", deleted: false } } });
const params = { path: { id: created.id }, header: { "If-Match": `"${created.version}"` } };
const changed = await api.PUT("/api/patients/{id}/", { params, body: { ...created, age: 86 } });
const stale = await api.PATCH("/api/patients/{id}/", { params, body: { age: 87 } });
const invalid = await api.PATCH("/api/patients/{id}/", {
  params: { path: { id: created.id } },
  body: { age: 121 },
});
const imported = await api.POST("/api/patients/import/", {
  params: { query: { partial: true } },
  body: csv,
  bodySerializer: (text) => text,
  headers: { "Content-Type": "text/csv" },
});
const exported = await api.GET("/api/patients/export/", {
  headers: { Accept: "text/csv" },
  parseAs: "text",
});

console.log(
  JSON.stringify({
    gender,
    listed: listed.data?.map(({ id }) => id === created.id),
    changed: changed.data?.age,
    stale: stale.error?.status,
    invalid: Object.keys(invalid.error?.errors ?? {}),
    imported: imported.data?.created.map(({ line }) => line),
    exported: exported.data?.split("\r\n").length,
  }),
);
