-- Whether others rely on a doctor than the account that created it: an account is linked to it, or somebody else's patient is
-- assigned; and which accounts are linked. Both read a snapshot of their own: a statement that has waited for a lock on the
-- doctor sees the links and the assignments that were made meanwhile.
CREATE FUNCTION "doctor_relied_on"(doctor integer, creator integer) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN EXISTS (SELECT FROM public.users WHERE doctor_id = doctor)
		OR EXISTS (SELECT FROM public.mappings WHERE current_doctor_id = doctor AND owner_id <> creator);
END $$;--> statement-breakpoint
CREATE FUNCTION "doctor_accounts"(doctor integer) RETURNS SETOF integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY SELECT id FROM public.users WHERE doctor_id = doctor ORDER BY id;
END $$;
