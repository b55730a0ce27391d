-- Removes values of a patient from the audit log: at most `max_events` events lose their `changes`, or all of them when it is NULL. Returns
-- how many. The events stay, with the hash of what they lose, which the digest of the day covers; events from before the column get it now.
-- Changes that hold nothing but ids of accounts and doctors stay: a field that is not named here is removed.
-- It looks at the events that change patients, by their indexes: reads have no changes. VOLATILE, so that it sees the events of a change
-- that the caller has waited for.
CREATE FUNCTION "erase_audit_values"(erased_id integer, max_events integer) RETURNS integer LANGUAGE plpgsql
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
				AND e.action IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'unassign') AND e.outcome = 'done'
			UNION ALL SELECT e.at, e.id, e.changes FROM public.audit_events e
			WHERE e.patients @> ARRAY[erased_id]
				AND e.action IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'unassign') AND e.outcome = 'done'
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
-- Removes a deleted patient for good, wherever the database has values of it, and returns {"removed": {…}, "more": …}: how many rows of what.
-- When the audit log has `max_events` events with values, or more, only these are done, and `more` is true: the caller calls it again.
-- NULL when there is no such patient, or it is not deleted. The row lock makes a restore and another removal wait.
-- A table that holds values of patients needs a line here, and one in `removed`: test/patients/erase.test.ts searches all tables.
-- It runs with the rights of the tables' owner: the Worker may delete no patient and change no audit event otherwise.
CREATE FUNCTION "erase_patient"(erased_id integer, max_events integer) RETURNS json LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased public.patients;
	audit_changes integer;
	assignments integer := 0;
	emergency_accesses integer := 0;
	stored_responses integer := 0;
	patients integer := 0;
	has_more boolean;
BEGIN
	SELECT p.* INTO erased FROM public.patients p WHERE p.id = erased_id AND p.deleted_at IS NOT NULL FOR UPDATE;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	audit_changes := public.erase_audit_values(erased_id, max_events);
	has_more := coalesce(audit_changes >= max_events, false);
	IF NOT has_more THEN
		DELETE FROM public.mappings m WHERE m.patient_id = erased_id;
		GET DIAGNOSTICS assignments = ROW_COUNT;
		DELETE FROM public.emergency_accesses ea WHERE ea.patient_id = erased_id;
		GET DIAGNOSTICS emergency_accesses = ROW_COUNT;
		-- Without its response the key stays: the request, sent again, must not create the patient again. It was stored in the
		-- transaction that created the patient, so its index on the time finds it. Only a patient's response has an age.
		UPDATE public.idempotency_keys k SET answer = '{}'
		WHERE k.created_at = erased.created_at AND k.account_id = erased.created_by AND k.record_id = erased_id
			AND k.answer::json -> 'age' IS NOT NULL;
		GET DIAGNOSTICS stored_responses = ROW_COUNT;
		DELETE FROM public.patients p WHERE p.id = erased_id;
		GET DIAGNOSTICS patients = ROW_COUNT;
	END IF;
	RETURN (
		SELECT row_to_json(o) FROM (
			SELECT (
				SELECT row_to_json(r) FROM (
					SELECT patients, assignments, emergency_accesses, stored_responses, audit_changes
				) r
			) AS removed, has_more AS more
		) o);
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION "erase_audit_values"(integer, integer), "erase_patient"(integer, integer) FROM PUBLIC;
