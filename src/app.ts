import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import { accounts } from "./accounts/routes.ts";
import { mappings } from "./assignments/routes.ts";
import { audit } from "./audit/routes.ts";
import { auth } from "./auth/routes.ts";
import { configuration } from "./config.ts";
import { connect } from "./db/client.ts";
import { doctors } from "./doctors/routes.ts";
import { onError } from "./failure.ts";
import { health, readiness } from "./health/routes.ts";
import type { AppEnv } from "./http/context.ts";
import { observe } from "./http/observe.ts";
import { Problem } from "./http/problems.ts";
import { fastRouter } from "./http/router.ts";
import { methodsAt, wrongMethod } from "./http/routing.ts";
import { invitations } from "./invitations/routes.ts";
import { patients } from "./patients/routes.ts";

/** Sets what depends on the bindings; all but `/healthz` stand behind it. */
export const configure = createMiddleware<AppEnv>(async (c, next) => {
  const config = configuration(c.env);
  c.set("config", config);
  c.set("connection", connect(config));
  await next();
});

const answerOrigin = cors({
  origin: (origin, c: Context<AppEnv>) => {
    const allowed = c.var.config.CORS_ORIGINS;
    return allowed.includes("*") ? "*" : allowed.find((one) => one === origin);
  },
  allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
  exposeHeaders: [
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
  ],
  maxAge: 86_400,
});

/**
 * Where pages of any origin may call, only one that says where it is from needs to be told; where some may, everybody,
 * for the answers differ; and where none may, nobody.
 */
const crossOrigin = createMiddleware<AppEnv>((c, next) => {
  const allowed = c.get("config").CORS_ORIGINS;
  const isAsked = c.req.header("Origin") || c.req.method === "OPTIONS";
  const isTold = allowed.includes("*") ? isAsked : allowed.length > 0;
  return isTold ? answerOrigin(c, next) : next();
});

export const app = new Hono<AppEnv>({ strict: false, router: fastRouter() });

app.use(observe);
app.route("/", health); // before the configuration: the Worker runs, however it is configured
app.use(configure, crossOrigin);

const routes = app
  .route("/", readiness)
  .route("/api/auth", auth)
  .route("/api/patients", patients)
  .route("/api/doctors", doctors)
  .route("/api/mappings", mappings)
  .route("/api/audit", audit)
  .route("/api/accounts", accounts)
  .route("/api/invitations", invitations);

/** Every route with what it takes and answers, for `hc` of hono/client. */
export type AppType = typeof routes;

app.notFound((c) => {
  const methods = methodsAt(app.router, c.req.path);
  const problem =
    methods.length > 0 ? wrongMethod(c.req.method, methods) : new Problem(404, "There is no such route.");
  return problem.toResponse(c.var.requestId);
});
app.onError(onError);
