CREATE TABLE "audit_digests" (
	"day" date PRIMARY KEY NOT NULL,
	"id" integer GENERATED ALWAYS AS (day - DATE '2000-01-01') STORED NOT NULL,
	"events" bigint NOT NULL,
	"first_id" bigint,
	"last_id" bigint,
	"sha256" text NOT NULL,
	"hmac" text NOT NULL,
	"closed_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "audit_digests_sha256_check" CHECK ("audit_digests"."sha256" ~ '^[0-9a-f]{64}$'),
	CONSTRAINT "audit_digests_hmac_check" CHECK ("audit_digests"."hmac" ~ '^[0-9a-f]{64}$')
);
--> statement-breakpoint
CREATE INDEX "audit_digests_id_idx" ON "audit_digests" USING btree ("id");