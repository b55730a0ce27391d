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
--> statement-breakpoint
-- What makes an item of a list the same as another one: a phone number, or an identifier in the form in which it is compared.
CREATE FUNCTION "list_item_key"(item jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE jsonb_typeof(item) WHEN 'object' THEN jsonb_build_array(item -> 'system', identifier_key(item ->> 'value')) ELSE item END;--> statement-breakpoint
-- The items of a list, and those of another one that it does not have, in their order.
CREATE FUNCTION "unite_lists"(list jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT coalesce(jsonb_agg(item ORDER BY place), '[]')
	FROM (
		SELECT DISTINCT ON (list_item_key(item)) item, place FROM jsonb_array_elements(list || other) WITH ORDINALITY a (item, place)
		ORDER BY list_item_key(item), place
	) items);--> statement-breakpoint
-- The items of a list without those of another one, in their order.
CREATE FUNCTION "subtract_list"(list jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT coalesce(jsonb_agg(item ORDER BY place), '[]')
	FROM jsonb_array_elements(list) WITH ORDINALITY a (item, place)
	WHERE list_item_key(item) NOT IN (SELECT list_item_key(removed) FROM jsonb_array_elements(other) removed));--> statement-breakpoint
-- The identifiers that no patient of an account has, apart from the excluded ones.
CREATE FUNCTION "free_identifiers"(identifiers jsonb, owner integer, excluded integer[]) RETURNS jsonb LANGUAGE sql STABLE STRICT
RETURN (
	SELECT coalesce(jsonb_agg(item ORDER BY place), '[]')
	FROM jsonb_array_elements(identifiers) WITH ORDINALITY a (item, place)
	WHERE NOT EXISTS (
		SELECT FROM patient_identifiers i
		WHERE i.owner_id = owner AND i.key = identifier_key(item ->> 'value') COLLATE "C" AND i.system = (item ->> 'system') COLLATE "C"
			AND i.patient_id <> ALL (excluded)));
--> statement-breakpoint
-- As in 0025, with the actions `merge` and `unmerge`.
CREATE OR REPLACE FUNCTION "erase_audit_values"(erased_id integer, max_events integer) RETURNS integer LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- As for the functions of statements (ops/statement-files.ts). The conditions on action and outcome are those of the indexes.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
	erased integer;
BEGIN
	WITH found AS MATERIALIZED (
		SELECT changed.at, changed.id FROM (
			SELECT e.at, e.id, e.changes FROM public.audit_events e
			WHERE e.patient_id = erased_id
				AND e.action IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'unassign', 'merge', 'unmerge') AND e.outcome = 'done'
			UNION ALL SELECT e.at, e.id, e.changes FROM public.audit_events e
			WHERE e.patients @> ARRAY[erased_id]
				AND e.action IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'unassign', 'merge', 'unmerge') AND e.outcome = 'done'
		) changed
		WHERE EXISTS (SELECT FROM json_object_keys(changed.changes) field WHERE field NOT IN ('owner', 'doctor', 'doctors'))
		LIMIT max_events
	)
	UPDATE public.audit_events e SET changes = NULL,
		changes_sha256 = coalesce(e.changes_sha256, encode(sha256(convert_to(e.changes::text, 'UTF8')), 'hex'))
	FROM found WHERE e.at = found.at AND e.id = found.id;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END $$;--> statement-breakpoint
-- As in 0027, with the patients that were merged into this one, and the merges.
CREATE OR REPLACE FUNCTION "erase_patient"(erased_id integer, max_events integer) RETURNS json LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased_ids integer[] := erased_id || public.merged_patients(erased_id);
	one_id integer;
	audit_changes integer := 0;
	assignments integer := 0;
	emergency_accesses integer := 0;
	stored_responses integer := 0;
	merged_responses integer := 0;
	identifiers integer := 0;
	merges integer := 0;
	patients integer := 0;
	has_more boolean := false;
BEGIN
	-- In the order of their ids, as merges do.
	PERFORM FROM public.patients p WHERE p.id = ANY (erased_ids) ORDER BY p.id FOR UPDATE;
	IF NOT EXISTS (SELECT FROM public.patients p WHERE p.id = erased_id AND p.deleted_at IS NOT NULL) THEN
		RETURN NULL;
	END IF;
	FOREACH one_id IN ARRAY erased_ids LOOP
		EXIT WHEN has_more;
		audit_changes := audit_changes + public.erase_audit_values(one_id, max_events - audit_changes);
		has_more := coalesce(audit_changes >= max_events, false);
	END LOOP;
	IF NOT has_more THEN
		DELETE FROM public.mappings m WHERE m.patient_id = ANY (erased_ids);
		GET DIAGNOSTICS assignments = ROW_COUNT;
		DELETE FROM public.emergency_accesses ea WHERE ea.patient_id = ANY (erased_ids);
		GET DIAGNOSTICS emergency_accesses = ROW_COUNT;
		-- Without its response the key stays: the request, sent again, must not create the patient again. It was stored in the
		-- transaction that created the patient, so its index on the time finds it. Only a patient's response has an age.
		UPDATE public.idempotency_keys k SET answer = '{}'
		FROM public.patients p
		WHERE p.id = ANY (erased_ids) AND k.created_at = p.created_at AND k.account_id = p.created_by AND k.record_id = p.id
			AND k.answer::json -> 'age' IS NOT NULL;
		GET DIAGNOSTICS stored_responses = ROW_COUNT;
		-- The response of a merge is the survivor with what it took.
		UPDATE public.idempotency_keys k SET answer = '{}'
		FROM public.patient_merges g
		WHERE (g.survivor_id = ANY (erased_ids) OR g.merged_id = ANY (erased_ids))
			AND k.created_at = g.at AND k.account_id = g.account_id AND k.record_id = g.survivor_id
			AND k.answer::json -> 'age' IS NOT NULL;
		GET DIAGNOSTICS merged_responses = ROW_COUNT;
		DELETE FROM public.patient_identifiers i WHERE i.patient_id = ANY (erased_ids);
		GET DIAGNOSTICS identifiers = ROW_COUNT;
		DELETE FROM public.patient_merges g WHERE g.survivor_id = ANY (erased_ids) OR g.merged_id = ANY (erased_ids);
		GET DIAGNOSTICS merges = ROW_COUNT;
		DELETE FROM public.patients p WHERE p.id = ANY (erased_ids);
		GET DIAGNOSTICS patients = ROW_COUNT;
	END IF;
	RETURN (
		SELECT row_to_json(o) FROM (
			SELECT (
				SELECT row_to_json(r) FROM (
					SELECT patients, assignments, identifiers, merges, emergency_accesses, stored_responses + merged_responses AS stored_responses, audit_changes
				) r
			) AS removed, has_more AS more
		) o);
END $$;
