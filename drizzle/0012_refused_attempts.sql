ALTER TABLE "login_attempts" ADD COLUMN "refused" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "login_attempts" ADD COLUMN "refused_before" integer DEFAULT 0 NOT NULL;