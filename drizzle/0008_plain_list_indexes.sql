DROP INDEX "mappings_owner_id_patient_id_id_idx";--> statement-breakpoint
DROP INDEX "mappings_owner_id_assigned_at_id_idx";--> statement-breakpoint
DROP INDEX "mappings_doctor_owner_id_patient_id_idx";--> statement-breakpoint
DROP INDEX "mappings_doctor_id_idx";--> statement-breakpoint
DROP INDEX "mappings_doctor_assigned_at_id_idx";--> statement-breakpoint
DROP INDEX "mappings_doctor_patient_id_idx";--> statement-breakpoint
DROP INDEX "patients_owner_id_last_first_id_idx";--> statement-breakpoint
DROP INDEX "patients_owner_id_created_at_id_idx";--> statement-breakpoint
DROP INDEX "patients_deleted_from_last_first_id_idx";--> statement-breakpoint
DROP INDEX "patients_deleted_from_created_at_id_idx";--> statement-breakpoint
CREATE INDEX "mappings_owner_id_assigned_at_id_idx" ON "mappings" USING btree ("owner_id","assigned_at","id");--> statement-breakpoint
CREATE INDEX "mappings_doctor_owner_id_patient_id_idx" ON "mappings" USING btree ("current_doctor_id","owner_id","patient_id");--> statement-breakpoint
CREATE INDEX "mappings_doctor_id_idx" ON "mappings" USING btree ("current_doctor_id","id");--> statement-breakpoint
CREATE INDEX "mappings_doctor_assigned_at_id_idx" ON "mappings" USING btree ("current_doctor_id","assigned_at","id");--> statement-breakpoint
CREATE INDEX "mappings_doctor_patient_id_idx" ON "mappings" USING btree ("current_doctor_id","patient_id");--> statement-breakpoint
CREATE INDEX "patients_owner_id_last_first_id_idx" ON "patients" USING btree ("owner_id","last_first","id");--> statement-breakpoint
CREATE INDEX "patients_owner_id_created_at_id_idx" ON "patients" USING btree ("owner_id","created_at","id");--> statement-breakpoint
CREATE INDEX "patients_deleted_from_last_first_id_idx" ON "patients" USING btree ("deleted_from","last_first","id") WHERE "patients"."deleted_at" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "patients_deleted_from_created_at_id_idx" ON "patients" USING btree ("deleted_from","created_at","id") WHERE "patients"."deleted_at" IS NOT NULL;