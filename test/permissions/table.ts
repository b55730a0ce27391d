/**
 * Who sends a request: nobody, the account that owns the record in its personal clinic, and others; the members of the
 * shared clinic that owns the record, a member of another one, and one whose membership has just ended.
 */
export const callerKinds = [
  "nobody",
  "owner",
  "another account",
  "the doctor's account",
  "admin",
  "auditor",
  "disabled",
  "demoted a moment ago",
  "reader",
  "clerk",
  "clinician",
  "manager",
  "member of another clinic",
  "membership just ended",
] as const;

/**
 * Who may do what: the status that each caller gets for a valid request, in the order of `callerKinds`. Where a route
 * has no record, the owner is any account; where only admins create the records (invitations), the owner is an
 * account that is no admin.
 */
export const permissionTable: Record<string, number[]> = {
  "GET /healthz": [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200],
  "GET /readyz": [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200],
  "POST /api/auth/register": [201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201],
  "POST /api/auth/login": [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200],
  "POST /api/auth/refresh": [200, 200, 200, 200, 200, 200, 401, 200, 200, 200, 200, 200, 200, 200],
  "POST /api/auth/logout": [204, 204, 204, 204, 204, 204, 204, 204, 204, 204, 204, 204, 204, 204],
  "GET /api/auth/me": [401, 200, 200, 200, 200, 200, 401, 401, 200, 200, 200, 200, 200, 401],
  "PATCH /api/auth/me": [401, 200, 400, 400, 400, 400, 401, 401, 400, 400, 400, 400, 400, 401],
  "POST /api/auth/password": [401, 200, 400, 400, 400, 400, 401, 401, 400, 400, 400, 400, 400, 401],
  "POST /api/auth/clinic": [401, 200, 404, 404, 404, 403, 401, 401, 200, 200, 200, 200, 404, 401],
  "GET /api/auth/sessions": [401, 200, 200, 200, 200, 200, 401, 401, 200, 200, 200, 200, 200, 401],
  "DELETE /api/auth/sessions": [401, 204, 204, 204, 204, 204, 401, 401, 204, 204, 204, 204, 204, 401],
  "DELETE /api/auth/sessions/:id": [401, 204, 404, 404, 404, 404, 401, 401, 404, 404, 404, 404, 404, 401],
  "GET /api/patients": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "POST /api/patients": [401, 201, 201, 201, 201, 403, 401, 401, 403, 201, 201, 201, 201, 401],
  "GET /api/patients/export": [401, 200, 200, 200, 200, 403, 401, 401, 403, 200, 200, 200, 200, 401],
  "POST /api/patients/import": [401, 201, 201, 201, 201, 403, 401, 401, 403, 201, 201, 201, 201, 401],
  "POST /api/patients/transfer": [401, 403, 403, 403, 200, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "GET /api/patients/:id": [401, 200, 404, 200, 404, 403, 401, 401, 200, 200, 200, 200, 404, 401],
  "PUT /api/patients/:id": [401, 200, 404, 403, 404, 403, 401, 401, 403, 200, 200, 200, 404, 401],
  "PATCH /api/patients/:id": [401, 200, 404, 403, 404, 403, 401, 401, 403, 200, 200, 200, 404, 401],
  "DELETE /api/patients/:id": [401, 204, 404, 403, 404, 403, 401, 401, 403, 403, 204, 204, 404, 401],
  "GET /api/patients/:id/duplicates": [401, 200, 404, 200, 404, 403, 401, 401, 200, 200, 200, 200, 404, 401],
  "GET /api/patients/:id/history": [401, 200, 404, 200, 404, 403, 401, 401, 200, 200, 200, 200, 404, 401],
  "GET /api/patients/:id/accesses": [401, 200, 404, 200, 404, 403, 401, 401, 200, 200, 200, 200, 404, 401],
  "POST /api/patients/:id/restore": [401, 200, 404, 404, 200, 403, 401, 401, 403, 403, 200, 200, 404, 401],
  "POST /api/patients/:id/transfer": [401, 403, 403, 403, 200, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "POST /api/patients/:id/erase": [401, 403, 403, 403, 200, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "POST /api/patients/:id/access": [401, 403, 403, 403, 201, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "POST /api/patients/:id/merge": [401, 200, 404, 403, 404, 403, 401, 401, 403, 403, 200, 200, 404, 401],
  "POST /api/patients/:id/unmerge": [401, 200, 404, 403, 404, 403, 401, 401, 403, 403, 200, 200, 404, 401],
  "GET /api/doctors": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "POST /api/doctors": [401, 201, 201, 201, 201, 403, 401, 401, 201, 201, 201, 201, 201, 401],
  "GET /api/doctors/:id": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "PUT /api/doctors/:id": [401, 200, 403, 403, 200, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "PATCH /api/doctors/:id": [401, 200, 403, 403, 200, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "DELETE /api/doctors/:id": [401, 204, 403, 403, 204, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "POST /api/doctors/:id/reassign": [401, 200, 200, 200, 200, 403, 401, 401, 403, 403, 403, 200, 200, 401],
  "GET /api/doctors/:id/schedule": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "PUT /api/doctors/:id/schedule": [401, 200, 403, 403, 200, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "GET /api/doctors/:id/slots": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "GET /api/slots": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "GET /api/doctors/:id/absences": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "POST /api/doctors/:id/absences": [401, 201, 403, 403, 201, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "GET /api/absences/:id": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "DELETE /api/absences/:id": [401, 204, 403, 403, 204, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "GET /api/identifier-systems": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "POST /api/identifier-systems": [401, 403, 403, 403, 201, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "GET /api/identifier-systems/:id": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "PATCH /api/identifier-systems/:id": [401, 403, 403, 403, 200, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "GET /api/mappings": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "POST /api/mappings": [401, 201, 400, 400, 400, 403, 401, 401, 403, 403, 201, 201, 400, 401],
  "GET /api/mappings/:id": [401, 200, 404, 200, 404, 403, 401, 401, 200, 200, 200, 200, 404, 401],
  "PATCH /api/mappings/:id": [401, 200, 404, 403, 200, 403, 401, 401, 403, 403, 200, 200, 404, 401],
  "DELETE /api/mappings/:id": [401, 204, 404, 403, 204, 403, 401, 401, 403, 403, 204, 204, 404, 401],
  "DELETE /api/mappings/:id/delete": [401, 204, 404, 403, 204, 403, 401, 401, 403, 403, 204, 204, 404, 401],
  "GET /api/appointments": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "POST /api/appointments": [401, 201, 400, 201, 400, 403, 401, 401, 403, 201, 201, 201, 400, 401],
  "GET /api/appointments/:id": [401, 200, 404, 200, 404, 403, 401, 401, 200, 200, 200, 200, 404, 401],
  "PATCH /api/appointments/:id": [401, 200, 404, 200, 404, 403, 401, 401, 403, 200, 200, 200, 404, 401],
  "GET /api/changes": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "GET /api/clinics": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "POST /api/clinics": [401, 403, 403, 403, 201, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "GET /api/clinics/:id": [401, 200, 404, 404, 200, 403, 401, 401, 200, 200, 200, 200, 404, 401],
  "PATCH /api/clinics/:id": [401, 200, 404, 404, 200, 403, 401, 401, 403, 403, 403, 200, 404, 401],
  "DELETE /api/clinics/:id": [401, 204, 404, 404, 204, 403, 401, 401, 403, 403, 403, 204, 404, 401],
  "GET /api/clinics/:id/members": [401, 200, 404, 404, 200, 403, 401, 401, 200, 200, 200, 200, 404, 401],
  "POST /api/clinics/:id/members": [401, 201, 404, 404, 201, 403, 401, 401, 403, 403, 403, 201, 404, 401],
  "PATCH /api/clinics/:id/members/:account": [
    401, 200, 404, 404, 200, 403, 401, 401, 403, 403, 403, 200, 404, 401,
  ],
  "DELETE /api/clinics/:id/members/:account": [
    401, 204, 404, 404, 204, 403, 401, 401, 403, 403, 403, 204, 404, 401,
  ],
  "GET /api/accounts": [401, 403, 403, 403, 200, 200, 401, 401, 403, 403, 403, 403, 403, 401],
  "GET /api/accounts/:id": [401, 403, 403, 403, 200, 200, 401, 401, 403, 403, 403, 403, 403, 401],
  "PATCH /api/accounts/:id": [401, 403, 403, 403, 200, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "DELETE /api/accounts/:id/sessions": [401, 403, 403, 403, 204, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "GET /api/invitations": [401, 403, 403, 403, 200, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "POST /api/invitations": [401, 403, 403, 403, 201, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "DELETE /api/invitations/:id": [401, 403, 403, 403, 204, 403, 401, 401, 403, 403, 403, 403, 403, 401],
  "GET /api/emergency-accesses": [401, 200, 200, 200, 200, 403, 401, 401, 403, 403, 403, 200, 200, 401],
  "GET /api/calendar-feeds": [401, 200, 200, 200, 200, 403, 401, 401, 200, 200, 200, 200, 200, 401],
  "POST /api/calendar-feeds": [401, 201, 201, 201, 201, 403, 401, 401, 201, 201, 201, 201, 201, 401],
  "DELETE /api/calendar-feeds/:id": [401, 204, 404, 404, 404, 403, 401, 401, 404, 404, 404, 404, 404, 401],
  "GET /calendar/:feed": [200, 200, 200, 200, 200, 200, 404, 200, 200, 200, 200, 200, 200, 200],
  "GET /api/audit": [401, 403, 403, 403, 200, 200, 401, 401, 403, 403, 403, 403, 403, 401],
  "GET /api/audit/digests": [401, 403, 403, 403, 200, 200, 401, 401, 403, 403, 403, 403, 403, 401],
};

/** The table as SECURITY.md has it. */
export function renderPermissionTable(): string {
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  const rows = Object.entries(permissionTable).map(([route, statuses]) => row([`\`${route}\``, ...statuses]));
  const rule = ["---", ...callerKinds.map(() => "--:")];
  return [row(["route", ...callerKinds]), row(rule), ...rows].join("\n");
}
