DROP INDEX "patients_owner_id_last_first_id_idx";--> statement-breakpoint
DROP INDEX "patients_deleted_from_last_first_id_idx";