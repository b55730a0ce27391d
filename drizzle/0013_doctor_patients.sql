-- The patients who are assigned to a doctor, by id. It reads a snapshot of its own: a statement that has waited for a lock
-- on the doctor sees the assignments that were made meanwhile.
CREATE FUNCTION "doctor_patients"(doctor integer) RETURNS integer[] LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN ARRAY(SELECT patient_id FROM public.mappings WHERE current_doctor_id = doctor ORDER BY patient_id);
END $$;
