DROP INDEX "patients_created_by_email_key";--> statement-breakpoint
CREATE UNIQUE INDEX "patients_created_by_email_key" ON "patients" USING btree (lower("email" COLLATE "C"),"created_by");