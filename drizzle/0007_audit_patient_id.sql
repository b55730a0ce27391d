-- Requests lock patients and assignments first and then the audit log. This migration and 0008, in the same transaction, would lock
-- them in the other order and deadlock with requests.
LOCK TABLE "patients", "mappings", "audit_events" IN ACCESS EXCLUSIVE MODE;--> statement-breakpoint
DROP INDEX "audit_events_patients_idx";--> statement-breakpoint
DROP INDEX "audit_events_changed_patients_idx";--> statement-breakpoint
ALTER TABLE "audit_events" ADD COLUMN "patient_id" integer;--> statement-breakpoint
CREATE INDEX "audit_events_patient_id_at_id_idx" ON "audit_events" USING btree ("patient_id","at","id") WHERE "audit_events"."patient_id" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "audit_events_changed_patient_id_at_id_idx" ON "audit_events" USING btree ("patient_id","at","id") WHERE "audit_events"."patient_id" IS NOT NULL AND "audit_events"."action" IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'unassign') AND "audit_events"."outcome" = 'done';--> statement-breakpoint
CREATE INDEX "audit_events_patients_idx" ON "audit_events" USING gin ("patients") WITH (fastupdate=true,gin_pending_list_limit=1024) WHERE "audit_events"."patients" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "audit_events_changed_patients_idx" ON "audit_events" USING gin ("patients") WITH (fastupdate=true,gin_pending_list_limit=1024) WHERE "audit_events"."patients" IS NOT NULL AND "audit_events"."action" IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'unassign') AND "audit_events"."outcome" = 'done';--> statement-breakpoint
DROP FUNCTION "request_audited"(integer, uuid, text, integer[]);--> statement-breakpoint
-- As in 0006, with the event's one patient.
CREATE FUNCTION "request_audited"(account integer, request uuid, event_outcome text, event_patient integer, event_patients integer[])
RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN EXISTS (
		SELECT FROM public.audit_events e
		WHERE e.account_id = account AND e.at > now() - interval '1 minute' AND e.request_id = request
			AND (e.outcome, e.patient_id, e.patients) IS NOT DISTINCT FROM (event_outcome, event_patient, event_patients));
END $$;
