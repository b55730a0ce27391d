-- As in 0030, but no emergency access is deleted that is still valid: of two accesses of one admin, that of the merged patient
-- stays with it. It gives no right until the merge is undone.
CREATE OR REPLACE FUNCTION "merge_assignments"(merged integer, survivor integer) RETURNS jsonb LANGUAGE plpgsql
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
	-- An expired one is of no use, and would keep a valid one from moving.
	DELETE FROM public.emergency_accesses own WHERE own.patient_id = survivor AND own.expires_at <= now()
		AND EXISTS (SELECT FROM public.emergency_accesses ea WHERE ea.patient_id = merged AND ea.account_id = own.account_id);
	WITH updated AS (
		UPDATE public.emergency_accesses ea SET patient_id = survivor WHERE ea.patient_id = merged
			AND NOT EXISTS (SELECT FROM public.emergency_accesses own WHERE own.patient_id = survivor AND own.account_id = ea.account_id)
		RETURNING ea.id
	)
	SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM updated INTO accesses;
	RETURN jsonb_build_object('doubles', doubles, 'moved', moved, 'accesses', accesses, 'doctors', jsonb_build_object(
		'before', doctors_before,
		'after', (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor)));
END $$;--> statement-breakpoint
-- As in 0030, but an access that an admin got to the merged patient at the time of the merge is no conflict, and
-- one that an admin got to the survivor since stays there.
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
	UPDATE public.mappings m SET patient_id = merged WHERE m.id = ANY (moved) AND m.patient_id = survivor;
	GET DIAGNOSTICS returned = ROW_COUNT;
	INSERT INTO public.mappings (id, patient_id, owner_id, doctor_id, assigned_at) OVERRIDING SYSTEM VALUE
		SELECT gone.id, merged, owner, gone.doctor_id, gone.assigned_at
		FROM jsonb_to_recordset(snapshot -> 'doubles') AS gone (id integer, doctor_id integer, assigned_at timestamptz(3))
		WHERE EXISTS (SELECT FROM public.doctors d WHERE d.id = gone.doctor_id)
		ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS doubles = ROW_COUNT;
	UPDATE public.emergency_accesses ea SET patient_id = merged
		WHERE ea.id IN (SELECT id::integer FROM jsonb_array_elements_text(snapshot -> 'accesses') id) AND ea.patient_id = survivor
			-- It lasts an hour: a later end is that of an access that the admin got to the survivor since.
			AND ea.expires_at <= (SELECT max(g.at) FROM public.patient_merges g WHERE g.merged_id = merged) + interval '1 hour'
			AND NOT EXISTS (SELECT FROM public.emergency_accesses own WHERE own.patient_id = merged AND own.account_id = ea.account_id);
	RETURN jsonb_build_object('returned', returned + doubles, 'ended', cardinality(moved) - returned,
		'doctor_deleted', jsonb_array_length(snapshot -> 'doubles') - doubles, 'doctors', jsonb_build_object(
			'before', doctors_before,
			'after', (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor)));
END $$;
