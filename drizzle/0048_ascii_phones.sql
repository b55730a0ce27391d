-- The tables are in the order in which requests lock them.
ALTER TABLE "patients" DROP CONSTRAINT "patients_phones_check";--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_phones_check" CHECK ("patients"."phones" = '{}' OR array_to_string("patients"."phones", ',', 'NULL') ~ '^\+[1-9][0-9]{6,14}(,\+[1-9][0-9]{6,14}){0,4}$');--> statement-breakpoint
ALTER TABLE "doctors" DROP CONSTRAINT "doctors_phones_check";--> statement-breakpoint
ALTER TABLE "doctors" ADD CONSTRAINT "doctors_phones_check" CHECK ("doctors"."phones" = '{}' OR array_to_string("doctors"."phones", ',', 'NULL') ~ '^\+[1-9][0-9]{6,14}(,\+[1-9][0-9]{6,14}){0,4}$');
