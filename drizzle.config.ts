import { defineConfig } from "drizzle-kit";

const url = process.env["DATABASE_URL"];

export default defineConfig({
  dialect: "postgresql",
  schema: "./src/db/schema.ts",
  out: "./drizzle",
  // Only for drizzle-kit's own commands: DATABASE_URL="$(cat .data/database-url)" npx drizzle-kit studio. Migrations are applied by
  // `npm run db:migrate`.
  ...(url && { dbCredentials: { url } }),
});
