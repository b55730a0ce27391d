-- Requests lock patients and assignments first and then the audit log. The migration would lock them in another order and
-- deadlock with requests.
LOCK TABLE "patients", "mappings", "audit_events" IN ACCESS EXCLUSIVE MODE;--> statement-breakpoint
CREATE TABLE "ended_assignments" (
	"id" integer PRIMARY KEY NOT NULL,
	"patient_id" integer NOT NULL,
	"owner_id" integer,
	"doctor_id" integer NOT NULL,
	"doctor_name" text NOT NULL,
	"role" text DEFAULT 'attending' NOT NULL,
	"is_primary" boolean DEFAULT false NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"assigned_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_by" integer NOT NULL,
	CONSTRAINT "ended_assignments_role_check" CHECK ("ended_assignments"."role" IN ('attending', 'consulting', 'covering'))
);
--> statement-breakpoint
DROP INDEX "audit_events_changed_patient_id_at_id_idx";--> statement-breakpoint
DROP INDEX "audit_events_changed_patients_idx";--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "role" text DEFAULT 'attending' NOT NULL;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "is_primary" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "ended_assignments" ADD CONSTRAINT "ended_assignments_patient_fkey" FOREIGN KEY ("owner_id","patient_id") REFERENCES "public"."patients"("owner_id","id") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
ALTER TABLE "ended_assignments" ADD CONSTRAINT "ended_assignments_patient_id_fkey" FOREIGN KEY ("patient_id") REFERENCES "public"."patients"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ended_assignments" ADD CONSTRAINT "ended_assignments_ended_by_fkey" FOREIGN KEY ("ended_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "ended_assignments_owner_id_id_idx" ON "ended_assignments" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "ended_assignments_owner_id_assigned_at_id_idx" ON "ended_assignments" USING btree ("owner_id","assigned_at","id");--> statement-breakpoint
CREATE INDEX "ended_assignments_doctor_owner_id_id_idx" ON "ended_assignments" USING btree ("doctor_id","owner_id","id");--> statement-breakpoint
CREATE INDEX "ended_assignments_doctor_owner_assigned_at_id_idx" ON "ended_assignments" USING btree ("doctor_id","owner_id","assigned_at","id");--> statement-breakpoint
CREATE INDEX "ended_assignments_doctor_id_idx" ON "ended_assignments" USING btree ("doctor_id","id") WHERE "ended_assignments"."owner_id" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "ended_assignments_doctor_assigned_at_id_idx" ON "ended_assignments" USING btree ("doctor_id","assigned_at","id") WHERE "ended_assignments"."owner_id" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "ended_assignments_patient_id_idx" ON "ended_assignments" USING btree ("patient_id");--> statement-breakpoint
CREATE UNIQUE INDEX "mappings_primary_key" ON "mappings" USING btree ("patient_id") WHERE "mappings"."is_primary";--> statement-breakpoint
CREATE INDEX "audit_events_changed_patient_id_at_id_idx" ON "audit_events" USING btree ("patient_id","at","id") WHERE "audit_events"."patient_id" IS NOT NULL AND "audit_events"."action" IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'update_assignment', 'unassign', 'merge', 'unmerge') AND "audit_events"."outcome" = 'done';--> statement-breakpoint
CREATE INDEX "audit_events_changed_patients_idx" ON "audit_events" USING gin ("patients") WITH (fastupdate=true,gin_pending_list_limit=1024) WHERE "audit_events"."patients" IS NOT NULL AND "audit_events"."action" IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'update_assignment', 'unassign', 'merge', 'unmerge') AND "audit_events"."outcome" = 'done';--> statement-breakpoint
ALTER TABLE "mappings" ADD CONSTRAINT "mappings_role_check" CHECK ("mappings"."role" IN ('attending', 'consulting', 'covering'));--> statement-breakpoint
-- An assignment, when its patient is locked and then itself: in this order, as a deletion or a merge of the patient does. It is
-- VOLATILE: after the wait it sees a merge that has moved the assignment to another patient, and locks that one.
CREATE FUNCTION "lock_assignment"(assignment integer) RETURNS SETOF "mappings" LANGUAGE plpgsql STRICT ROWS 1
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	patient integer;
BEGIN
	LOOP
		SELECT m.patient_id FROM public.mappings m WHERE m.id = assignment INTO patient;
		EXIT WHEN NOT FOUND;
		PERFORM FROM public.patients p WHERE p.id = patient FOR NO KEY UPDATE;
		RETURN QUERY SELECT m.* FROM public.mappings m WHERE m.id = assignment AND m.patient_id = patient FOR UPDATE;
		EXIT WHEN FOUND;
	END LOOP;
END $$;--> statement-breakpoint
-- Makes the primary assignment of a patient an ordinary one, before another one becomes primary. The patient is locked. It is
-- VOLATILE: it sees which one is primary now, after that wait. It returns the assignment as it is then.
CREATE FUNCTION "unset_primary"(patient integer) RETURNS SETOF "mappings" LANGUAGE plpgsql STRICT ROWS 1
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY UPDATE public.mappings m SET is_primary = false, version = m.version + 1
		WHERE m.patient_id = patient AND m.is_primary RETURNING m.*;
END $$;--> statement-breakpoint
-- As in 0004, with the ended assignments.
CREATE OR REPLACE FUNCTION "assignments_come_back"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE public.mappings SET owner_id = NEW.owner_id WHERE patient_id = NEW.id;
	UPDATE public.ended_assignments SET owner_id = NEW.owner_id WHERE patient_id = NEW.id;
	RETURN NULL;
END $$;--> statement-breakpoint
-- As in 0028, with the version of the assignment. A change of its role is no news about the patient.
CREATE OR REPLACE FUNCTION "mappings_record_change"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO public.record_changes (audience, audience_id, kind, record_id, version)
	SELECT DISTINCT c.audience, c.audience_id, c.kind, c.record_id, c.version
	FROM (VALUES (OLD.id, OLD.patient_id, OLD.owner_id, OLD.doctor_id), (NEW.id, NEW.patient_id, NEW.owner_id, NEW.doctor_id))
		m (id, patient_id, owner_id, doctor_id),
		LATERAL (VALUES ('account', m.owner_id, 3, m.id, coalesce(NEW.version, OLD.version)),
			('doctor', m.doctor_id, 3, m.id, coalesce(NEW.version, OLD.version)),
			('doctor', m.doctor_id, 1, m.patient_id, coalesce((SELECT version FROM public.patients WHERE id = m.patient_id), 1)))
		c (audience, audience_id, kind, record_id, version)
	WHERE m.owner_id IS NOT NULL
		AND (c.kind = 3 OR (OLD.patient_id, OLD.owner_id, OLD.doctor_id) IS DISTINCT FROM (NEW.patient_id, NEW.owner_id, NEW.doctor_id));
	RETURN NULL;
END $$;--> statement-breakpoint
-- As in 0031, with the ended assignments, and with one primary assignment at most: that of the survivor, or else that of the merged
-- patient. An assignment that gets another patient gets another version.
CREATE OR REPLACE FUNCTION "merge_assignments"(merged integer, survivor integer) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	doctors_before jsonb := (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor);
	doubles jsonb;
	moved jsonb;
	accesses jsonb;
	ended jsonb;
	survivor_primary integer := (SELECT m.id FROM public.mappings m WHERE m.patient_id = survivor AND m.is_primary);
	merged_primary integer := (SELECT m.id FROM public.mappings m WHERE m.patient_id = merged AND m.is_primary);
	gained_primary integer;
BEGIN
	WITH deleted AS (
		DELETE FROM public.mappings m WHERE m.patient_id = merged
			AND EXISTS (SELECT FROM public.mappings own WHERE own.patient_id = survivor AND own.doctor_id = m.doctor_id)
		RETURNING m.id, m.doctor_id, m.assigned_at, m.role, m.is_primary, m.version
	)
	SELECT coalesce(jsonb_agg(to_jsonb(deleted) ORDER BY id), '[]') FROM deleted INTO doubles;
	-- Of the same doctor as a primary one that is deleted.
	UPDATE public.mappings m SET is_primary = true, version = m.version + 1
		FROM jsonb_to_recordset(doubles) AS gone (doctor_id integer, is_primary boolean)
		WHERE survivor_primary IS NULL AND gone.is_primary AND m.patient_id = survivor AND m.doctor_id = gone.doctor_id
		RETURNING m.id INTO gained_primary;
	WITH updated AS (
		UPDATE public.mappings m SET patient_id = survivor, is_primary = m.is_primary AND survivor_primary IS NULL, version = m.version + 1
		WHERE m.patient_id = merged RETURNING m.id
	)
	SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM updated INTO moved;
	WITH updated AS (
		UPDATE public.ended_assignments m SET patient_id = survivor WHERE m.patient_id = merged RETURNING m.id
	)
	SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM updated INTO ended;
	-- An expired one is of no use, and would keep a valid one from moving.
	DELETE FROM public.emergency_accesses own WHERE own.patient_id = survivor AND own.expires_at <= now()
		AND EXISTS (SELECT FROM public.emergency_accesses ea WHERE ea.patient_id = merged AND ea.account_id = own.account_id);
	WITH updated AS (
		UPDATE public.emergency_accesses ea SET patient_id = survivor WHERE ea.patient_id = merged
			AND NOT EXISTS (SELECT FROM public.emergency_accesses own WHERE own.patient_id = survivor AND own.account_id = ea.account_id)
		RETURNING ea.id
	)
	SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM updated INTO accesses;
	RETURN jsonb_build_object('doubles', doubles, 'moved', moved, 'ended', ended, 'accesses', accesses,
		'gained_primary', gained_primary, 'lost_primary', CASE WHEN survivor_primary IS NOT NULL THEN merged_primary END, 'doctors', jsonb_build_object(
		'before', doctors_before,
		'after', (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor)));
END $$;--> statement-breakpoint
-- As in 0031, with what the merge did to ended and to primary assignments. One that was moved and has ended since returns as ended.
CREATE OR REPLACE FUNCTION "return_assignments"(merged integer, survivor integer, owner integer, snapshot jsonb) RETURNS jsonb LANGUAGE plpgsql
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
	UPDATE public.mappings m SET patient_id = merged, version = m.version + 1 WHERE m.id = ANY (moved) AND m.patient_id = survivor;
	GET DIAGNOSTICS returned = ROW_COUNT;
	UPDATE public.mappings m SET is_primary = false, version = m.version + 1
		WHERE m.id = (snapshot ->> 'gained_primary')::integer AND m.patient_id = survivor AND m.is_primary;
	INSERT INTO public.mappings (id, patient_id, owner_id, doctor_id, assigned_at, role, is_primary, version) OVERRIDING SYSTEM VALUE
		SELECT gone.id, merged, owner, gone.doctor_id, gone.assigned_at, coalesce(gone.role, 'attending'),
			coalesce(gone.is_primary, false) AND NOT EXISTS (SELECT FROM public.mappings own WHERE own.patient_id = merged AND own.is_primary),
			coalesce(gone.version, 1)
		FROM jsonb_to_recordset(snapshot -> 'doubles')
			AS gone (id integer, doctor_id integer, assigned_at timestamptz(3), role text, is_primary boolean, version integer)
		WHERE EXISTS (SELECT FROM public.doctors d WHERE d.id = gone.doctor_id)
		ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS doubles = ROW_COUNT;
	UPDATE public.mappings m SET is_primary = true, version = m.version + 1
		WHERE m.id = (snapshot ->> 'lost_primary')::integer AND m.patient_id = merged
			AND NOT EXISTS (SELECT FROM public.mappings own WHERE own.patient_id = merged AND own.is_primary);
	UPDATE public.ended_assignments m SET patient_id = merged
		WHERE m.patient_id = survivor AND (m.id = ANY (moved)
			OR m.id IN (SELECT id::integer FROM jsonb_array_elements_text(snapshot -> 'ended') id));
	UPDATE public.emergency_accesses ea SET patient_id = merged
		WHERE ea.id IN (SELECT id::integer FROM jsonb_array_elements_text(snapshot -> 'accesses') id) AND ea.patient_id = survivor
			-- It lasts an hour: a later end is that of an access that the admin got to the survivor since.
			AND ea.expires_at <= (SELECT max(g.at) FROM public.patient_merges g WHERE g.merged_id = merged) + interval '1 hour'
			AND NOT EXISTS (SELECT FROM public.emergency_accesses own WHERE own.patient_id = merged AND own.account_id = ea.account_id);
	RETURN jsonb_build_object('returned', returned + doubles, 'ended', cardinality(moved) - returned,
		'doctor_deleted', jsonb_array_length(snapshot -> 'doubles') - doubles, 'doctors', jsonb_build_object(
			'before', doctors_before,
			'after', (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor)));
END $$;--> statement-breakpoint
-- As in 0030, with the action `update_assignment`. What is said about an assignment is no value of the patient.
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
				AND e.action IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'update_assignment', 'unassign', 'merge', 'unmerge') AND e.outcome = 'done'
			UNION ALL SELECT e.at, e.id, e.changes FROM public.audit_events e
			WHERE e.patients @> ARRAY[erased_id]
				AND e.action IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'update_assignment', 'unassign', 'merge', 'unmerge') AND e.outcome = 'done'
		) changed
		WHERE EXISTS (SELECT FROM json_object_keys(changed.changes) field WHERE field NOT IN ('owner', 'doctor', 'doctors', 'assignment', 'role', 'primary'))
		LIMIT max_events
	)
	UPDATE public.audit_events e SET changes = NULL,
		changes_sha256 = coalesce(e.changes_sha256, encode(sha256(convert_to(e.changes::text, 'UTF8')), 'hex'))
	FROM found WHERE e.at = found.at AND e.id = found.id;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END $$;--> statement-breakpoint
-- As in 0030, with the ended assignments.
CREATE OR REPLACE FUNCTION "erase_patient"(erased_id integer, max_events integer) RETURNS json LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased_ids integer[] := erased_id || public.merged_patients(erased_id);
	one_id integer;
	audit_changes integer := 0;
	assignments integer := 0;
	ended_assignments integer := 0;
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
		DELETE FROM public.ended_assignments m WHERE m.patient_id = ANY (erased_ids);
		GET DIAGNOSTICS ended_assignments = ROW_COUNT;
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
					SELECT patients, assignments + ended_assignments AS assignments, identifiers, merges, emergency_accesses, stored_responses + merged_responses AS stored_responses, audit_changes
				) r
			) AS removed, has_more AS more
		) o);
END $$;
