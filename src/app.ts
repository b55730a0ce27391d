import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import { methodNotAllowed } from "hono/method-not-allowed";
import { secureHeaders } from "hono/secure-headers";
import { auth } from "./auth/routes.ts";
import { connect } from "./db/client.ts";
import { doctors } from "./doctors/routes.ts";
import { configuration } from "./env.ts";
import { onError } from "./failure.ts";
import { health, readiness } from "./health.ts";
import type { AppEnv } from "./http/context.ts";
import { accessLog } from "./http/log.ts";
import { Problem } from "./http/problem.ts";
import { mappings } from "./mappings/routes.ts";
import { patients } from "./patients/routes.ts";

const MAX_BODY_BYTES = 64 * 1024;

/** Never the client's own id: it would stand in our logs as if we had given it. */
const identify = createMiddleware<AppEnv>(async (c, next) => {
  c.set("requestId", crypto.randomUUID());
  await next();
  c.header("X-Request-Id", c.var.requestId);
});

const configure = createMiddleware<AppEnv>(async (c, next) => {
  c.set("config", configuration(c.env));
  c.set("db", connect(c.var.config));
  await next();
});

const crossOrigin = cors({
  origin: (origin, c: Context<AppEnv>) => {
    const allowed = c.var.config.CORS_ORIGINS;
    return allowed.includes("*") ? "*" : allowed.find((one) => one === origin);
  },
  allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
  exposeHeaders: ["Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"],
  maxAge: 86_400,
});

const noStore = createMiddleware(async (c, next) => {
  await next();
  c.header("Cache-Control", "no-store");
});

const limitBody = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: () => {
    throw new Problem(413, `The body is larger than ${MAX_BODY_BYTES / 1024} KiB.`);
  },
});

export const app = new Hono<AppEnv>({ strict: false });

app.use(identify, accessLog, secureHeaders());
app.use(
  methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) =>
      new Problem(405, `This path has no ${c.req.method}.`, {
        headers: { Allow: methods.join(", ") },
      }).toResponse(c.var.requestId),
  }),
);
app.route("/", health);

app.use("/api/*", noStore);
app.use(configure, crossOrigin);
app.route("/", readiness);

app.use("/api/*", limitBody);
app.route("/api/auth", auth);
app.route("/api/patients", patients);
app.route("/api/doctors", doctors);
app.route("/api/mappings", mappings);

app.notFound((c) => new Problem(404, "There is no such route.").toResponse(c.var.requestId));
app.onError(onError);
