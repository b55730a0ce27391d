import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./src/db/schema.ts",
  out: "./drizzle",
  // Only for drizzle-kit's own commands (studio, push): migrations are applied by `npm run db:migrate`.
  dbCredentials: {
    url: process.env["DATABASE_URL"] ?? "postgres://postgres:postgres@127.0.0.1:5488/postgres",
  },
});
