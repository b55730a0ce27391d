-- Requests lock patients and assignments first and then the audit log. The migration would lock them in another order and
-- deadlock with requests.
LOCK TABLE "patients", "mappings", "audit_events" IN ACCESS EXCLUSIVE MODE;--> statement-breakpoint
CREATE TABLE "patient_merges" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "patient_merges_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"survivor_id" integer NOT NULL,
	"merged_id" integer NOT NULL,
	"account_id" integer NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"snapshot" jsonb NOT NULL,
	"undone_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "patients" DROP CONSTRAINT "patients_deleted_at_check";--> statement-breakpoint
DROP INDEX "audit_events_changed_patient_id_at_id_idx";--> statement-breakpoint
DROP INDEX "audit_events_changed_patients_idx";--> statement-breakpoint
ALTER TABLE "patients" ADD COLUMN "merged_into" integer;--> statement-breakpoint
ALTER TABLE "patient_merges" ADD CONSTRAINT "patient_merges_survivor_id_fkey" FOREIGN KEY ("survivor_id") REFERENCES "public"."patients"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "patient_merges" ADD CONSTRAINT "patient_merges_merged_id_fkey" FOREIGN KEY ("merged_id") REFERENCES "public"."patients"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "patient_merges" ADD CONSTRAINT "patient_merges_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "patient_merges_merged_id_idx" ON "patient_merges" USING btree ("merged_id");--> statement-breakpoint
CREATE INDEX "patient_merges_survivor_id_idx" ON "patient_merges" USING btree ("survivor_id");--> statement-breakpoint
CREATE INDEX "patient_merges_at_idx" ON "patient_merges" USING btree ("at");--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_merged_into_fkey" FOREIGN KEY ("merged_into") REFERENCES "public"."patients"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "patients_merged_into_idx" ON "patients" USING btree ("merged_into") WHERE "patients"."merged_into" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "audit_events_changed_patient_id_at_id_idx" ON "audit_events" USING btree ("patient_id","at","id") WHERE "audit_events"."patient_id" IS NOT NULL AND "audit_events"."action" IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'unassign', 'merge', 'unmerge') AND "audit_events"."outcome" = 'done';--> statement-breakpoint
CREATE INDEX "audit_events_changed_patients_idx" ON "audit_events" USING gin ("patients") WITH (fastupdate=true,gin_pending_list_limit=1024) WHERE "audit_events"."patients" IS NOT NULL AND "audit_events"."action" IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'unassign', 'merge', 'unmerge') AND "audit_events"."outcome" = 'done';--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_merged_into_check" CHECK ("patients"."merged_into" <> "patients"."id");--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_deleted_at_check" CHECK (num_nulls("patients"."deleted_at", "patients"."deleted_from") IN (0, 2)
        AND num_nulls("patients"."owner_id", "patients"."deleted_at", "patients"."merged_into") = 2);--> statement-breakpoint
-- The patient that a merged one is part of now, at the end of the chain; NULL for one that is not merged. It is VOLATILE: it
-- also sees a merge that the calling statement has waited for.
CREATE FUNCTION "last_survivor"(merged integer) RETURNS integer LANGUAGE plpgsql STRICT
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (
		WITH RECURSIVE chain AS (
			SELECT p.merged_into AS id FROM public.patients p WHERE p.id = merged
			UNION SELECT p.merged_into FROM chain JOIN public.patients p ON p.id = chain.id
		)
		SELECT p.id FROM chain JOIN public.patients p ON p.id = chain.id WHERE p.merged_into IS NULL);
END $$;--> statement-breakpoint
-- The ids of all patients that are part of a survivor, also through others.
CREATE FUNCTION "merged_patients"(survivor integer) RETURNS integer[] LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN ARRAY(
		WITH RECURSIVE merged AS (
			SELECT p.id FROM public.patients p WHERE p.merged_into = survivor
			UNION SELECT p.id FROM merged JOIN public.patients p ON p.merged_into = merged.id
		)
		SELECT id FROM merged);
END $$;--> statement-breakpoint
-- Gives the assignments and emergency accesses of a merged patient to its survivor; those that the survivor has too are
-- deleted. It runs when both patients are locked, and as a VOLATILE function it sees what was assigned meanwhile.
-- It returns what `return_assignments` needs, and the survivor's doctors before and after.
CREATE FUNCTION "merge_assignments"(merged integer, survivor integer) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	doctors_before jsonb := (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor);
	doubles jsonb;
	moved jsonb;
	accesses jsonb;
BEGIN
	WITH deleted AS (
		DELETE FROM public.mappings m WHERE m.patient_id = merged
			AND EXISTS (SELECT FROM public.mappings own WHERE own.patient_id = survivor AND own.doctor_id = m.doctor_id)
		RETURNING m.id, m.doctor_id, m.assigned_at
	)
	SELECT coalesce(jsonb_agg(to_jsonb(deleted) ORDER BY id), '[]') FROM deleted INTO doubles;
	WITH updated AS (
		UPDATE public.mappings m SET patient_id = survivor WHERE m.patient_id = merged RETURNING m.id
	)
	SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM updated INTO moved;
	DELETE FROM public.emergency_accesses ea WHERE ea.patient_id = merged
		AND EXISTS (SELECT FROM public.emergency_accesses own WHERE own.patient_id = survivor AND own.account_id = ea.account_id);
	WITH updated AS (
		UPDATE public.emergency_accesses ea SET patient_id = survivor WHERE ea.patient_id = merged RETURNING ea.id
	)
	SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM updated INTO accesses;
	RETURN jsonb_build_object('doubles', doubles, 'moved', moved, 'accesses', accesses, 'doctors', jsonb_build_object(
		'before', doctors_before,
		'after', (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor)));
END $$;--> statement-breakpoint
-- Undoes what `merge_assignments` did, by what it returned. What was ended meanwhile stays ended, and so does a deleted double
-- whose doctor was deleted meanwhile.
CREATE FUNCTION "return_assignments"(merged integer, survivor integer, owner integer, snapshot jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	doctors_before jsonb := (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor);
	moved integer[] := ARRAY(SELECT id::integer FROM jsonb_array_elements_text(snapshot -> 'moved') id);
	returned integer;
	doubles integer;
BEGIN
	-- Before the assignments: a deletion of a doctor locks the doctor first.
	PERFORM FROM public.doctors d WHERE d.id IN (SELECT (item ->> 'doctor_id')::integer FROM jsonb_array_elements(snapshot -> 'doubles') item)
		ORDER BY d.id FOR KEY SHARE;
	UPDATE public.mappings m SET patient_id = merged WHERE m.id = ANY (moved) AND m.patient_id = survivor;
	GET DIAGNOSTICS returned = ROW_COUNT;
	INSERT INTO public.mappings (id, patient_id, owner_id, doctor_id, assigned_at) OVERRIDING SYSTEM VALUE
		SELECT gone.id, merged, owner, gone.doctor_id, gone.assigned_at
		FROM jsonb_to_recordset(snapshot -> 'doubles') AS gone (id integer, doctor_id integer, assigned_at timestamptz(3))
		WHERE EXISTS (SELECT FROM public.doctors d WHERE d.id = gone.doctor_id)
		ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS doubles = ROW_COUNT;
	UPDATE public.emergency_accesses ea SET patient_id = merged
		WHERE ea.id IN (SELECT id::integer FROM jsonb_array_elements_text(snapshot -> 'accesses') id) AND ea.patient_id = survivor;
	RETURN jsonb_build_object('returned', returned + doubles, 'ended', cardinality(moved) - returned,
		'doctor_deleted', jsonb_array_length(snapshot -> 'doubles') - doubles, 'doctors', jsonb_build_object(
			'before', doctors_before,
			'after', (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor)));
END $$;
--> statement-breakpoint
-- As in 0020, but a merged patient has neither owner: no search finds it.
CREATE OR REPLACE FUNCTION "patient_name_tokens"(owner_id integer, deleted_from integer, tokens tsvector) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	scope text := coalesce(owner_id::text, 'd' || deleted_from) || ':';
	scoped text[] := '{}';
	token text;
BEGIN
	IF scope IS NULL THEN RETURN ''; END IF;
	FOREACH token IN ARRAY tsvector_to_array(tokens) LOOP
		scoped := scoped || (scope || token);
	END LOOP;
	RETURN array_to_tsvector(scoped);
END $$;
