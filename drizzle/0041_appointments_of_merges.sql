-- As in 0035, but an appointment that a merge gives to another patient has the time of that change, as its version says.
CREATE OR REPLACE FUNCTION "merge_assignments"(merged integer, survivor integer) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	doctors_before jsonb := (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor);
	doubles jsonb;
	moved jsonb;
	accesses jsonb;
	ended jsonb;
	appointments jsonb;
	survivor_primary integer := (SELECT m.id FROM public.mappings m WHERE m.patient_id = survivor AND m.is_primary);
	merged_primary integer := (SELECT m.id FROM public.mappings m WHERE m.patient_id = merged AND m.is_primary);
	gained_primary integer;
BEGIN
	-- Before the assignments: an assignment does not leave its open appointments.
	WITH updated AS (
		UPDATE public.appointments a SET patient_id = survivor, updated_at = now(), version = a.version + 1 WHERE a.patient_id = merged RETURNING a.id
	)
	SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM updated INTO appointments;
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
	RETURN jsonb_build_object('doubles', doubles, 'moved', moved, 'ended', ended, 'accesses', accesses, 'appointments', appointments,
		'gained_primary', gained_primary, 'lost_primary', CASE WHEN survivor_primary IS NOT NULL THEN merged_primary END, 'doctors', jsonb_build_object(
		'before', doctors_before,
		'after', (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor)));
END $$;--> statement-breakpoint
-- As in 0035, with the time of the change.
CREATE OR REPLACE FUNCTION "return_assignments"(merged integer, survivor integer, owner integer, snapshot jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	doctors_before jsonb := (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor);
	moved integer[] := ARRAY(SELECT value::integer FROM jsonb_array_elements_text(snapshot -> 'moved'));
	returned integer;
	doubles integer;
BEGIN
	-- Before the assignments, as in a merge.
	UPDATE public.appointments a SET patient_id = merged, updated_at = now(), version = a.version + 1
		WHERE a.id IN (SELECT value::integer FROM jsonb_array_elements_text(snapshot -> 'appointments')) AND a.patient_id = survivor;
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
			OR m.id IN (SELECT value::integer FROM jsonb_array_elements_text(snapshot -> 'ended')));
	UPDATE public.emergency_accesses ea SET patient_id = merged
		WHERE ea.id IN (SELECT value::integer FROM jsonb_array_elements_text(snapshot -> 'accesses')) AND ea.patient_id = survivor
			-- It lasts an hour: a later end is that of an access that the admin got to the survivor since.
			AND ea.expires_at <= (SELECT max(g.at) FROM public.patient_merges g WHERE g.merged_id = merged) + interval '1 hour'
			AND NOT EXISTS (SELECT FROM public.emergency_accesses own WHERE own.patient_id = merged AND own.account_id = ea.account_id);
	-- The appointments were returned before the assignments. One may be with a doctor who is assigned to the survivor only.
	IF EXISTS (SELECT FROM public.open_appointments(ARRAY[merged], NULL) a
			WHERE NOT EXISTS (SELECT FROM public.mappings m WHERE m.patient_id = merged AND m.doctor_id = a.doctor_id)) THEN
		RAISE EXCEPTION 'The merged patient has open appointments with a doctor who is not assigned to it.'
			USING ERRCODE = 'foreign_key_violation', TABLE = 'appointments', CONSTRAINT = 'appointments_assigned';
	END IF;
	RETURN jsonb_build_object('returned', returned + doubles, 'ended', cardinality(moved) - returned,
		'doctor_deleted', jsonb_array_length(snapshot -> 'doubles') - doubles, 'doctors', jsonb_build_object(
			'before', doctors_before,
			'after', (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor)));
END $$;
