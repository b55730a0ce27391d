ALTER TABLE "users" ADD COLUMN "password_expires_at" timestamp (3) with time zone;--> statement-breakpoint
-- Passwords that were set before and have not been changed yet expire as well.
UPDATE "users" SET "password_expires_at" = now() + interval '24 hours' WHERE "must_change_password";
