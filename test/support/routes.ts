/** A route of the contract: a method, and a path whose `:id` stands for a record. */
export interface Route {
  method: string;
  path: string;
  /** A body that the route takes, where it takes one; `:id` stands for a record. */
  body?: Record<string, unknown>;
}

const person = { firstname: "Mary", lastname: "Seacole", email: "mary@example.org", gender: "F" };

/** Routes that name one record. */
export const recordRoutes: Route[] = [
  { method: "GET", path: "/api/patients/:id/" },
  { method: "PUT", path: "/api/patients/:id/", body: { firstname: "Changed" } },
  { method: "PATCH", path: "/api/patients/:id/", body: { firstname: "Changed" } },
  { method: "DELETE", path: "/api/patients/:id/" },
  { method: "GET", path: "/api/doctors/:id/" },
  { method: "PUT", path: "/api/doctors/:id/", body: { firstname: "Changed" } },
  { method: "PATCH", path: "/api/doctors/:id/", body: { firstname: "Changed" } },
  { method: "DELETE", path: "/api/doctors/:id/" },
  { method: "GET", path: "/api/mappings/:id/" },
  { method: "DELETE", path: "/api/mappings/:id/" },
  { method: "DELETE", path: "/api/mappings/:id/delete/" },
];

/** Every route that wants an access token. */
export const protectedRoutes: Route[] = [
  { method: "POST", path: "/api/auth/logout/", body: { refresh: "a refresh token" } },
  { method: "GET", path: "/api/auth/me/" },
  { method: "GET", path: "/api/patients/" },
  { method: "POST", path: "/api/patients/", body: { ...person, age: 42 } },
  { method: "GET", path: "/api/doctors/" },
  { method: "POST", path: "/api/doctors/", body: { ...person, specialization: "GEN" } },
  { method: "GET", path: "/api/mappings/" },
  { method: "POST", path: "/api/mappings/", body: { patient: 1, doctor: 1 } },
  ...recordRoutes,
];

/** Every route that wants none. */
export const openRoutes: Route[] = [
  { method: "POST", path: "/api/auth/register/", body: {} },
  { method: "POST", path: "/api/auth/login/", body: {} },
  { method: "POST", path: "/api/auth/refresh/", body: {} },
];

/** The path of a route, of the record `id`. */
export const pathOf = ({ path }: Route, id: string | number): string => path.replace(":id", String(id));
