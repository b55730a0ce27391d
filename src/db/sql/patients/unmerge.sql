-- POST /api/patients/:id/unmerge: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 request_id uuid, $8 address text
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
  SELECT p.id,
    EXISTS (SELECT FROM caller
      WHERE p.owner_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager')) AS can_change,
    p.owner_id = (SELECT clinic_id FROM caller) AS is_own
  FROM patients p WHERE p.id = (SELECT last_survivor($6::int)) AND EXISTS (
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
  )
),
locked AS (
  SELECT p.*, p AS patient,
    EXISTS (SELECT FROM caller
      WHERE p.owner_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager')) AS can_change
  FROM patients p
  WHERE p.id IN ($6::int, (SELECT other.merged_into FROM patients other WHERE other.id = $6::int))
    AND (SELECT id FROM caller) IS NOT NULL
    AND (p.id = $6::int AND EXISTS (SELECT FROM successor) OR EXISTS (
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
    ))
  ORDER BY p.id
  FOR UPDATE
),
locked_caller AS (
  SELECT CASE WHEN NOT (u.active AND u.token_version = $3::int)
    OR NOT (s.id = $4::uuid AND s.user_id = u.id AND s.password_version = u.password_version
    AND s.ended_at IS NULL AND s.expires_at > now())
      THEN 'token_revoked'
      WHEN s.clinic_id <> $1::int THEN 'clinic_changed'
      WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
      WHEN NOT ms.clinic_active THEN 'token_revoked'
      WHEN array_position(ARRAY['reader', 'clerk', 'clinician', 'manager'], ms.role)
        < array_position(ARRAY['reader', 'clerk', 'clinician', 'manager'], (SELECT clinic_role FROM caller))
        THEN 'token_revoked' END AS refusal
  FROM (SELECT count(*) FROM locked HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
target AS (SELECT * FROM locked WHERE id = $6::int),
survivor AS (SELECT locked.* FROM locked, target WHERE locked.id = target.merged_into AND locked.can_change),
undone AS (
  UPDATE patient_merges g SET undone_at = now()
  WHERE g.merged_id = $6::int AND g.survivor_id = (SELECT id FROM survivor) AND g.undone_at IS NULL
    AND g.at > now() - interval '30 days' AND EXISTS (SELECT FROM caller_recheck)
  RETURNING g.snapshot
),
-- The survivor as it was before, were all fields restored.
before AS (
  SELECT was.* FROM undone, survivor, jsonb_populate_record(survivor.patient, (
    SELECT coalesce(jsonb_object_agg(key, value -> 'before'), '{}') FROM jsonb_each(undone.snapshot -> 'changes')
  )) was
),
field AS (
  SELECT key, CASE
      WHEN key IN ('age', 'birth_date', 'age_as_of') THEN 'birth_date'
      WHEN key IN ('email', 'email_shared') THEN 'email'
      WHEN key IN ('firstname', 'lastname') THEN 'name' ELSE key END AS field_group, value -> 'before' AS before,
        value -> 'after' AS after,
    to_jsonb(survivor.patient) -> key AS now, CASE key WHEN 'phones' THEN 5 WHEN 'identifiers' THEN 10 END AS max_items
  FROM undone, survivor, jsonb_each(undone.snapshot -> 'changes')
),
field_value AS (
  -- A list loses what the merge has added, and gets back what it has removed.
  SELECT field.*, CASE WHEN max_items IS NULL OR now = after THEN before
      ELSE unite_lists(subtract_list(now, subtract_list(after, before)), subtract_list(before, after)) END AS value,
    survivor.id, survivor.owner_id
  FROM field, survivor
),
free_field AS (
  SELECT field_value.*, CASE WHEN key = 'identifiers' THEN free_identifiers(value, owner_id, ARRAY[$6::int, id])
    ELSE value END AS free_value
  FROM field_value
),
field_state AS (
  SELECT key, free_value AS value, free_value <> value AS is_partial, CASE
      WHEN max_items IS NULL AND NOT bool_and(now = after) OVER (PARTITION BY field_group) THEN 'changed'
      WHEN CASE WHEN max_items IS NOT NULL THEN jsonb_array_length(free_value) > max_items END THEN 'changed'
      WHEN field_group = 'name' AND (SELECT firstname = '' AND lastname = '' FROM before) THEN 'changed'
      WHEN field_group = 'email' AND (
        SELECT EXISTS (
          SELECT FROM patients other
          WHERE email_key(other.email) COLLATE "C" = email_key(before.email) COLLATE "C"
            AND other.owner_id = survivor.owner_id
            AND other.id NOT IN (survivor.id, $6::int) AND NOT (other.email_shared OR before.email_shared)) FROM before,
              survivor)
              THEN 'in_use' END AS why
  FROM free_field
),
next AS (
  SELECT after.* FROM undone, survivor, jsonb_populate_record(survivor.patient, (
    SELECT coalesce(jsonb_object_agg(key, CASE WHEN why IS NULL THEN value WHEN key = 'email' THEN 'null'
      ELSE 'false' END),
      '{}')
    FROM field_state WHERE why IS DISTINCT FROM 'changed'
  )) next,
    jsonb_populate_record(next, CASE WHEN (next.email IS NOT NULL OR next.phones <> '{}' OR next.identifiers <> '[]')
      THEN '{}' ELSE '{"anonymous": true}' END::jsonb) after
),
changed AS (
  UPDATE patients p SET firstname = next.firstname, lastname = next.lastname, email = next.email, age = next.age,
    gender = next.gender, birth_date = next.birth_date, email_shared = next.email_shared, anonymous = next.anonymous,
    phones = next.phones, address = next.address, identifiers = next.identifiers, age_as_of = next.age_as_of,
    updated_at = now(), version = p.version + 1
  FROM next
  WHERE p.id = next.id
  RETURNING p.id, p.owner_id, p.firstname, p.lastname, p.email, p.age, p.gender, p.birth_date, p.email_shared,
    p.anonymous, p.phones, p.address, p.identifiers
),
-- Its email stays away when the survivor or a third patient has it.
kept_email AS (
  SELECT FROM target, survivor, changed
  WHERE EXISTS (
    SELECT FROM patients other
    WHERE email_key(other.email) COLLATE "C" = email_key(target.email) COLLATE "C"
      AND other.owner_id = survivor.owner_id
      AND other.id NOT IN (survivor.id, $6::int) AND NOT (other.email_shared OR target.email_shared))
    OR email_key(changed.email) COLLATE "C" = email_key(target.email) COLLATE "C"
      AND NOT (changed.email_shared OR target.email_shared)
),
next_merged AS (
  SELECT target.phones, CASE WHEN NOT EXISTS (SELECT FROM kept_email) THEN target.email END AS email,
    free_identifiers(subtract_list(target.identifiers, changed.identifiers), changed.owner_id,
      ARRAY[$6::int, changed.id]) AS identifiers
  FROM target, changed
),
returned AS (
  UPDATE patients p SET owner_id = changed.owner_id, merged_into = NULL, email = next.email,
    identifiers = next.identifiers,
    email_shared = next.email IS NOT NULL AND p.email_shared,
      anonymous = p.anonymous OR NOT (next.email IS NOT NULL OR next.phones <> '{}' OR next.identifiers <> '[]'),
    updated_at = now(), version = p.version + 1
  FROM changed, next_merged next
  WHERE p.id = $6::int
  RETURNING p.id, p.identifiers
),
moved AS (
  SELECT return_assignments(returned.id, changed.id, changed.owner_id, undone.snapshot) AS result FROM undone, changed,
    returned
),
kept AS (
  SELECT key AS field, why FROM field_state WHERE why IS NOT NULL AND key <> 'age_as_of'
  UNION SELECT key, 'in_use' FROM field_state WHERE is_partial AND why IS NULL
  UNION SELECT 'email', 'in_use' FROM kept_email
  UNION SELECT 'identifiers', 'in_use' FROM target, returned WHERE returned.identifiers <> target.identifiers
  UNION SELECT 'assignments', 'ended' FROM moved WHERE (result ->> 'ended')::int > 0
  UNION SELECT 'assignments', 'doctor_deleted' FROM moved WHERE (result ->> 'doctor_deleted')::int > 0
),
response AS (
  SELECT ARRAY(
    SELECT key FROM field_state WHERE why IS NULL AND key <> 'age_as_of'
    UNION ALL SELECT 'assignments' FROM moved WHERE (result ->> 'returned')::int > 0
    ORDER BY key) AS restored,
    (SELECT coalesce(json_agg(row_to_json(kept) ORDER BY field, why), '[]') FROM kept) AS kept
  FROM moved
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, patients, changes)
  SELECT id, username, role, $4::uuid, clinic_id, $7::uuid, $8::text,
    'unmerge',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM moved) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    CASE WHEN NOT EXISTS (SELECT FROM moved) THEN $6::int END,
    (SELECT ARRAY[$6::int, survivor.id] FROM survivor, moved),
    (
      SELECT (coalesce((nullif('{' || concat_ws(',',
        CASE WHEN survivor.firstname <> changed.firstname
          THEN concat('"firstname":{"before":', to_json(survivor.firstname), ',"after":', to_json(changed.firstname),
            '}') END,
        CASE WHEN survivor.lastname <> changed.lastname
          THEN concat('"lastname":{"before":', to_json(survivor.lastname), ',"after":', to_json(changed.lastname),
            '}') END,
        CASE WHEN survivor.email IS DISTINCT FROM changed.email
          THEN concat('"email":{"before":', coalesce(to_json(survivor.email)::text, 'null'), ',"after":',
            coalesce(to_json(changed.email)::text, 'null'), '}') END,
        CASE WHEN survivor.age IS DISTINCT FROM changed.age
          THEN concat('"age":{"before":', coalesce(to_json(survivor.age)::text, 'null'), ',"after":',
            coalesce(to_json(changed.age)::text, 'null'), '}') END,
        CASE WHEN survivor.gender <> changed.gender
          THEN concat('"gender":{"before":', to_json(survivor.gender), ',"after":', to_json(changed.gender), '}') END,
        CASE WHEN survivor.birth_date IS DISTINCT FROM changed.birth_date
          THEN concat('"birth_date":{"before":', coalesce(to_json(survivor.birth_date)::text, 'null'), ',"after":',
            coalesce(to_json(changed.birth_date)::text, 'null'), '}') END,
        CASE WHEN survivor.email_shared <> changed.email_shared
          THEN concat('"email_shared":{"before":', to_json(survivor.email_shared), ',"after":',
            to_json(changed.email_shared), '}') END,
        CASE WHEN survivor.anonymous <> changed.anonymous
          THEN concat('"anonymous":{"before":', to_json(survivor.anonymous), ',"after":', to_json(changed.anonymous),
            '}') END,
        CASE WHEN survivor.phones <> changed.phones
          THEN concat('"phones":{"before":', to_json(survivor.phones), ',"after":', to_json(changed.phones), '}') END,
        CASE WHEN survivor.address IS DISTINCT FROM changed.address
          THEN concat('"address":{"before":', coalesce(to_json(survivor.address)::text, 'null'), ',"after":',
            coalesce(to_json(changed.address)::text, 'null'), '}') END,
        CASE WHEN survivor.identifiers <> changed.identifiers
          THEN concat('"identifiers":{"before":', mask_identifiers(survivor.identifiers), ',"after":',
            mask_identifiers(changed.identifiers), '}') END
      ) || '}', '{}')::json)::jsonb, '{}')
        || jsonb_build_object('merged', jsonb_build_object('before', $6::int, 'after', NULL))
        || CASE WHEN moved.result -> 'doctors' ->> 'before' <> moved.result -> 'doctors' ->> 'after'
          THEN jsonb_build_object('doctors', moved.result -> 'doctors') ELSE '{}' END)::json
      FROM survivor, changed, moved)
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM locked) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT row_to_json(r)::text FROM response r) AS body, (SELECT true FROM target) AS "isTarget",
  (SELECT merged_into FROM target) AS "mergedInto", (SELECT can_change FROM successor) AS "canChangeSuccessor",
  (SELECT is_own FROM successor) AS "isOwnSuccessor",
  EXISTS (SELECT FROM survivor) AS "hasSurvivor",
  (SELECT p.merged_into FROM patients p WHERE p.id = (SELECT merged_into FROM target)) IS NOT NULL AS "isSurvivorMerged"
FROM token_account;
