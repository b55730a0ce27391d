-- For the checks of foreign keys, when a clinic or a doctor is deleted. That of `deleted_from` could not use its index, and read all
-- patients: it has no condition on `deleted_at`. The tables are in the order in which requests lock them.
CREATE INDEX "calendar_feeds_doctor_id_idx" ON "calendar_feeds" USING btree ("doctor_id") WHERE "calendar_feeds"."doctor_id" IS NOT NULL;--> statement-breakpoint
DROP INDEX "patients_deleted_from_id_idx";--> statement-breakpoint
CREATE INDEX "patients_deleted_from_id_idx" ON "patients" USING btree ("deleted_from","id") WHERE "patients"."deleted_from" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "emergency_accesses_clinic_id_idx" ON "emergency_accesses" USING btree ("clinic_id") WHERE "emergency_accesses"."clinic_id" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "invitations_clinic_id_idx" ON "invitations" USING btree ("clinic_id") WHERE "invitations"."clinic_id" IS NOT NULL;
