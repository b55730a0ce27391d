-- GET /api/patients/:id/history: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 after_key timestamp with time zone, $8 after_id bigint, $9 size integer, $10 request_id uuid, $11 address text, $12 is_retry boolean
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id, $1::int AS clinic_id, ms.role AS clinic_role,
    coalesce((now() AT TIME ZONE nullif(ms.time_zone, ''))::date, $2::date) AS today,
    CASE WHEN u.must_change_password OR u.role = 'auditor' OR NOT (u.active AND u.token_version = $3::int)
      OR s.id IS NULL
      THEN 'token_revoked'
      WHEN s.clinic_id <> $1::int THEN 'clinic_changed'
      WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
      WHEN ms.clinic_active IS NOT TRUE THEN 'token_revoked' END AS refusal,
    u.probing_until > now() AS is_probing
  FROM users u
    LEFT JOIN sessions s ON s.id = $4::uuid AND s.user_id = u.id AND s.password_version = u.password_version
    AND s.ended_at IS NULL AND s.expires_at > now()
    LEFT JOIN memberships ms ON ms.clinic_id = $1::int AND ms.account_id = u.id
  WHERE u.id = $5::int
),
caller AS (
  SELECT id, username, role, doctor_id, clinic_id, clinic_role, today FROM token_account
  WHERE refusal IS NULL AND CASE WHEN is_probing THEN refuse_probing() ELSE true END
),
successor AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT CASE WHEN NOT EXISTS (SELECT FROM patients p WHERE p.id = $6::int AND EXISTS (
    SELECT FROM caller
    WHERE p.owner_id = caller.clinic_id
      OR p.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM mappings m
        WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
      )
      OR p.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM emergency_accesses ea
        WHERE ea.account_id = caller.id AND ea.patient_id = p.id AND ea.expires_at > now()
          AND (caller.role = 'admin'
            OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
      )
      OR p.deleted_from = caller.clinic_id
  )) THEN last_survivor($6::int) END) AND EXISTS (
    SELECT FROM caller
    WHERE p.owner_id = caller.clinic_id
      OR p.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM mappings m
        WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
      )
      OR p.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM emergency_accesses ea
        WHERE ea.account_id = caller.id AND ea.patient_id = p.id AND ea.expires_at > now()
          AND (caller.role = 'admin'
            OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
      )
      OR p.deleted_from = caller.clinic_id
  )
),
page_and_next AS (
  SELECT e.*, row_number() OVER (ORDER BY at DESC, id DESC) AS page_position
  FROM (
    SELECT DISTINCT ON (at, id) * FROM (
      (
        SELECT e.*
        FROM audit_events e
        WHERE e.patient_id IS NOT NULL
          AND e.action IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'update_assignment',
            'unassign', 'merge', 'unmerge')
          AND e.outcome = 'done'
          AND (e.patient_id, e.at, e.id) < ($6::int, $7::timestamptz, $8::bigint)
          AND e.patient_id >= $6::int
          AND EXISTS (SELECT FROM patients p WHERE p.id = $6::int AND EXISTS (
            SELECT FROM caller
            WHERE p.owner_id = caller.clinic_id
              OR p.owner_id IS NOT NULL AND EXISTS (
                SELECT FROM mappings m
                WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
              )
              OR p.owner_id IS NOT NULL AND EXISTS (
                SELECT FROM emergency_accesses ea
                WHERE ea.account_id = caller.id AND ea.patient_id = p.id AND ea.expires_at > now()
                  AND (caller.role = 'admin'
                    OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
              )
              OR p.deleted_from = caller.clinic_id
          ))
        ORDER BY e.patient_id DESC, e.at DESC, e.id DESC LIMIT $9::int + 1
      )
      UNION ALL
      (
        SELECT e.*
        FROM (
          SELECT e.* FROM audit_events e
          WHERE e.patients && ($6::int || merged_patients($6::int))
            AND e.action IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign',
              'update_assignment', 'unassign', 'merge', 'unmerge')
            AND e.outcome = 'done'
          OFFSET 0
        ) e
        WHERE (e.at, e.id) < ($7::timestamptz, $8::bigint)
          AND EXISTS (SELECT FROM patients p WHERE p.id = $6::int AND EXISTS (
            SELECT FROM caller
            WHERE p.owner_id = caller.clinic_id
              OR p.owner_id IS NOT NULL AND EXISTS (
                SELECT FROM mappings m
                WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
              )
              OR p.owner_id IS NOT NULL AND EXISTS (
                SELECT FROM emergency_accesses ea
                WHERE ea.account_id = caller.id AND ea.patient_id = p.id AND ea.expires_at > now()
                  AND (caller.role = 'admin'
                    OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
              )
              OR p.deleted_from = caller.clinic_id
          ))
        ORDER BY e.at DESC, e.id DESC LIMIT $9::int + 1
      )
      UNION ALL
      (
        SELECT e.*
        FROM (
          SELECT e.* FROM unnest(merged_patients($6::int)) merged (id), LATERAL (
            SELECT e.* FROM audit_events e
            WHERE e.patient_id IS NOT NULL
              AND e.action IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign',
                'update_assignment', 'unassign', 'merge', 'unmerge')
              AND e.outcome = 'done'
              AND (e.patient_id, e.at, e.id) < (merged.id, $7::timestamptz, $8::bigint)
              AND e.patient_id >= merged.id
            ORDER BY e.patient_id DESC, e.at DESC, e.id DESC LIMIT $9::int + 1
          ) e
          OFFSET 0
        ) e
        WHERE (e.at, e.id) < ($7::timestamptz, $8::bigint)
          AND EXISTS (SELECT FROM patients p WHERE p.id = $6::int AND EXISTS (
            SELECT FROM caller
            WHERE p.owner_id = caller.clinic_id
              OR p.owner_id IS NOT NULL AND EXISTS (
                SELECT FROM mappings m
                WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
              )
              OR p.owner_id IS NOT NULL AND EXISTS (
                SELECT FROM emergency_accesses ea
                WHERE ea.account_id = caller.id AND ea.patient_id = p.id AND ea.expires_at > now()
                  AND (caller.role = 'admin'
                    OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
              )
              OR p.deleted_from = caller.clinic_id
          ))
        ORDER BY e.at DESC, e.id DESC LIMIT $9::int + 1
      )
    ) merged
    ORDER BY at DESC, id DESC LIMIT $9::int + 1
  ) e
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $9::int),
page_json AS (
  SELECT page_position, (SELECT row_to_json(o) FROM (SELECT
      e.id,
      substr(to_json(e.at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS at,
      CASE WHEN e.account_id IS NOT NULL
        THEN (SELECT row_to_json(o) FROM (SELECT e.account_id AS id, e.username) o) END AS account,
      e.action, coalesce(CASE
          WHEN e.action IN ('merge', 'unmerge') AND e.patients[1] = $6::int
            THEN json_build_object('merged_into', json_build_object(
            'before', CASE e.action WHEN 'unmerge' THEN e.patients[2] END, 'after', CASE e.action WHEN 'merge'
              THEN e.patients[2] END))
          ELSE e.changes END, '{}') AS changes) o)::text AS json
  FROM page e
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $10::uuid, $11::text,
      'history',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM successor) THEN 'refused'
        WHEN EXISTS (SELECT FROM patients p WHERE p.id = $6::int AND EXISTS (
          SELECT FROM caller
          WHERE p.owner_id = caller.clinic_id
            OR p.owner_id IS NOT NULL AND EXISTS (
              SELECT FROM mappings m
              WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
            )
            OR p.owner_id IS NOT NULL AND EXISTS (
              SELECT FROM emergency_accesses ea
              WHERE ea.account_id = caller.id AND ea.patient_id = p.id AND ea.expires_at > now()
                AND (caller.role = 'admin'
                  OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
            )
            OR p.deleted_from = caller.clinic_id
        )) THEN 'done'
        ELSE 'not_found' END,
      $6::int
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patient_id)
  WHERE NOT ($12::boolean AND request_audited(e.account_id, e.request_id, e.outcome, e.patient_id, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  (SELECT substr(to_json(e.at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' FROM page_and_next e
    WHERE page_position = $9::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $9::int)) AS key,
  (SELECT id::float8 FROM page_and_next e WHERE page_position = $9::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $9::int)) AS id,
  EXISTS (SELECT FROM patients p WHERE p.id = $6::int AND EXISTS (
    SELECT FROM caller
    WHERE p.owner_id = caller.clinic_id
      OR p.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM mappings m
        WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
      )
      OR p.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM emergency_accesses ea
        WHERE ea.account_id = caller.id AND ea.patient_id = p.id AND ea.expires_at > now()
          AND (caller.role = 'admin'
            OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
      )
      OR p.deleted_from = caller.clinic_id
  )) AS "isAllowed",
  (SELECT id FROM successor) AS successor
FROM token_account;
