import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import { accountRoutes } from "./accounts/routes.ts";
import { appointmentRoutes } from "./appointments/routes.ts";
import { assignmentRoutes } from "./assignments/routes.ts";
import { auditRoutes } from "./audit/routes.ts";
import { requireAccount } from "./auth/require-account.ts";
import { authRoutes } from "./auth/routes.ts";
import { calendarFeedRoutes, calendarRoutes } from "./calendar-feeds/routes.ts";
import { changeRoutes } from "./changes/routes.ts";
import { clinicRoutes } from "./clinics/routes.ts";
import { readConfig } from "./config.ts";
import { connect } from "./db/client.ts";
import { doctorRoutes } from "./doctors/routes.ts";
import { emergencyAccessRoutes } from "./emergency-accesses/routes.ts";
import { livenessRoute, readinessRoute } from "./health/routes.ts";
import type { AppEnv } from "./http/context.ts";
import { corsHeaders } from "./http/cors.ts";
import { handleError } from "./http/error-handler.ts";
import { observeRequest } from "./http/observe.ts";
import { Problem } from "./http/problems.ts";
import { checkClientAddress } from "./http/rate-limits.ts";
import { allowedMethods, methodNotAllowed } from "./http/routing.ts";
import { rejectUndeclaredQuery } from "./http/validation.ts";
import { identifierSystemRoutes } from "./identifier-systems/routes.ts";
import { invitationRoutes } from "./invitations/routes.ts";
import { patientRoutes } from "./patients/routes.ts";
import { absenceRoutes, doctorScheduleRoutes, slotRoutes } from "./schedules/routes.ts";

/** Sets the configuration and the database connection of a request. All routes but `/healthz` are behind it. */
export const configure = createMiddleware<AppEnv>(async (c, next) => {
  const config = readConfig(c.env);
  checkClientAddress(c, config);
  c.set("config", config);
  c.set("connection", connect(config));
  await next();
});

/**
 * Checks the query of routes that need no access token. For the others `requireAccount` does it, after the token. So every
 * route is checked, without a line of its own.
 */
const checkOpenQuery = createMiddleware<AppEnv>(async (c, next) => {
  const needsToken = matchedRoutes(c).some(({ handler }) => handler === requireAccount);
  if (!needsToken) rejectUndeclaredQuery(c);
  await next();
});

export const app = new Hono<AppEnv>({ strict: false });

app.use(observeRequest, corsHeaders, checkOpenQuery);
app.route("/", livenessRoute); // Before the configuration, so that it answers when a binding is missing.
app.use(configure);

const routes = app
  .route("/", readinessRoute)
  .route("/api/auth", authRoutes)
  .route("/api/patients", patientRoutes)
  .route("/api/doctors", doctorScheduleRoutes)
  .route("/api/doctors", doctorRoutes)
  .route("/api/slots", slotRoutes)
  .route("/api/absences", absenceRoutes)
  .route("/api/identifier-systems", identifierSystemRoutes)
  .route("/api/mappings", assignmentRoutes)
  .route("/api/appointments", appointmentRoutes)
  .route("/api/changes", changeRoutes)
  .route("/api/audit", auditRoutes)
  .route("/api/accounts", accountRoutes)
  .route("/api/clinics", clinicRoutes)
  .route("/api/invitations", invitationRoutes)
  .route("/api/emergency-accesses", emergencyAccessRoutes)
  .route("/api/calendar-feeds", calendarFeedRoutes)
  .route("/calendar", calendarRoutes);

/**
 * All routes with their requests and responses, for programs that call the API with `hc` of hono/client. Nothing in this
 * repository imports it: the client in `client/` has types of its own.
 */
export type AppType = typeof routes;

app.notFound((c) => {
  const methods = allowedMethods(app.router, c.req.path);
  const problem =
    methods.length > 0
      ? methodNotAllowed(c.req.method, methods)
      : new Problem("no_such_route", "There is no such route.");
  return problem.toResponse(c.get("requestId"));
});
app.onError(handleError);
