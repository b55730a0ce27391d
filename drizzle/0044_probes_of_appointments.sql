-- As in 0019, and requests for an appointment or an assignment by its id. The event of one that another clinic has names its patient and
-- was counted, that of one that does not exist names none and was not: the 429 told one from the other.
DROP TRIGGER "audit_events_count_probe" ON "audit_events";--> statement-breakpoint
CREATE TRIGGER "audit_events_count_probe" AFTER INSERT ON "audit_events" FOR EACH ROW
WHEN (NEW."outcome" = 'not_found' AND NEW."account_id" IS NOT NULL AND (NEW."patient_id" IS NOT NULL
	OR NEW."patients" IS NULL AND NEW."action" IN ('read', 'reschedule', 'cancel', 'update_appointment', 'update_assignment', 'unassign')))
EXECUTE FUNCTION "audit_events_count_probe"();
