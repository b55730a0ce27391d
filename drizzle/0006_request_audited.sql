-- Whether the first attempt of a retried request has inserted its audit event already: the retry inserts no second one. A function, so
-- that only retries plan and execute this query. One minute is the maximum of DATABASE_TIMEOUT_MS.
CREATE FUNCTION "request_audited"(account integer, request uuid, event_outcome text, event_patients integer[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN EXISTS (
		SELECT FROM public.audit_events e
		WHERE e.account_id = account AND e.at > now() - interval '1 minute' AND e.request_id = request
			AND (e.outcome, e.patients) IS NOT DISTINCT FROM (event_outcome, event_patients));
END $$;
