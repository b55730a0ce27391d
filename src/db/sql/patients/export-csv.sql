-- GET /api/patients/export: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 after integer, $5 size integer, $6 request_id uuid, $7 address text, $8 is_retry boolean, $9 today date
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id,
    NOT u.must_change_password AND u.role <> 'auditor' AND u.active AND u.token_version = $1::int AND EXISTS (
      SELECT FROM sessions s
      WHERE s.id = $2::uuid AND s.user_id = u.id
        AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()
    ) AS is_accepted,
    u.probing_until > now() AS is_probing
  FROM users u WHERE u.id = $3::int
),
caller AS (
  SELECT id, username, role, doctor_id FROM token_account
  WHERE is_accepted AND CASE WHEN is_probing THEN refuse_probing() ELSE true END
),
batch AS (
  SELECT p.* FROM patients p
  WHERE (p.owner_id, p.id) > ((SELECT id FROM caller), $4::int) AND p.owner_id <= (SELECT id FROM caller)
  ORDER BY p.owner_id, p.id LIMIT $5::int
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patients)
  SELECT e.* FROM (
    SELECT id, username, role, $2::uuid, $6::uuid, $7::text,
      'export',
      CASE WHEN NOT is_accepted THEN 'refused'
        ELSE 'done' END,
      ARRAY(SELECT id FROM batch)
    FROM token_account
  ) e (account_id, username, role, session_id, request_id, address, action, outcome, patients)
  WHERE NOT ($8::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, e.patients))
)
SELECT (SELECT string_agg(concat(p.id, ',', '"' || replace(regexp_replace(p.firstname, '(?<![^;,|\t\r\n])(?=[ ''"]*[-=+@\t\r\uff1d\uff0b\uff0d\uff20])', '''', 'g'), '"', '""') || '"', ',', '"' || replace(regexp_replace(p.lastname, '(?<![^;,|\t\r\n])(?=[ ''"]*[-=+@\t\r\uff1d\uff0b\uff0d\uff20])', '''', 'g'), '"', '""') || '"', ',', '"' || replace(regexp_replace(p.email, '(?<![^;,|\t\r\n])(?=[ ''"]*[-=+@\t\r\uff1d\uff0b\uff0d\uff20])', '''', 'g'), '"', '""') || '"', ',', age_on(p.born_to, $9::date), ',', '"' || replace(regexp_replace(p.gender, '(?<![^;,|\t\r\n])(?=[ ''"]*[-=+@\t\r\uff1d\uff0b\uff0d\uff20])', '''', 'g'), '"', '""') || '"', ',', '"' || replace(regexp_replace(p.birth_date, '(?<![^;,|\t\r\n])(?=[ ''"]*[-=+@\t\r\uff1d\uff0b\uff0d\uff20])', '''', 'g'), '"', '""') || '"', ',', p.age_as_of, ',', p.email_shared::text, ',', p.anonymous::text, ',', '"' || replace(regexp_replace(nullif(array_to_string(p.phones, '; '), ''), '(?<![^;,|\t\r\n])(?=[ ''"]*[-=+@\t\r\uff1d\uff0b\uff0d\uff20])', '''', 'g'), '"', '""') || '"', ',', '"' || replace(regexp_replace((SELECT string_agg(line, E'\n' ORDER BY n) FROM jsonb_array_elements_text(p.address -> 'lines') WITH ORDINALITY l (line, n)), '(?<![^;,|\t\r\n])(?=[ ''"]*[-=+@\t\r\uff1d\uff0b\uff0d\uff20])', '''', 'g'), '"', '""') || '"', ',', '"' || replace(regexp_replace(p.address ->> 'city', '(?<![^;,|\t\r\n])(?=[ ''"]*[-=+@\t\r\uff1d\uff0b\uff0d\uff20])', '''', 'g'), '"', '""') || '"', ',', '"' || replace(regexp_replace(p.address ->> 'region', '(?<![^;,|\t\r\n])(?=[ ''"]*[-=+@\t\r\uff1d\uff0b\uff0d\uff20])', '''', 'g'), '"', '""') || '"', ',', '"' || replace(regexp_replace(p.address ->> 'postal_code', '(?<![^;,|\t\r\n])(?=[ ''"]*[-=+@\t\r\uff1d\uff0b\uff0d\uff20])', '''', 'g'), '"', '""') || '"', ',', '"' || replace(regexp_replace(p.address ->> 'country', '(?<![^;,|\t\r\n])(?=[ ''"]*[-=+@\t\r\uff1d\uff0b\uff0d\uff20])', '''', 'g'), '"', '""') || '"', ',', '"' || replace(regexp_replace((SELECT string_agg(concat(item ->> 'system', ':', item ->> 'value'), '; ' ORDER BY n)
  FROM jsonb_array_elements(p.identifiers) WITH ORDINALITY i (item, n)), '(?<![^;,|\t\r\n])(?=[ ''"]*[-=+@\t\r\uff1d\uff0b\uff0d\uff20])', '''', 'g'), '"', '""') || '"', ',', p.created_by, ',', substr(to_json(p.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z', ',', substr(to_json(p.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z', ',', p.version, E'\r\n'), '' ORDER BY p.id) FROM batch p) AS lines,
  (SELECT max(id) FROM batch HAVING count(*) = $5::int) AS next
FROM caller;
