-- Wall 4: which rows each audience of the service sees and may change. Applied as a whole after
-- every migration of a PostgreSQL data store whose roles exist (docker/roles.sql).
--
-- A transaction says for whom it runs (its role) and in three settings about whom:
--   kangma.asked     ids of residents a decision is being made about, or of the doctor whose panel;
--                    keyed tags and digests under which rows are found before it is known whose
--   kangma.names     the same as text, where a grant names its grantee
--   kangma.subjects  ids of residents of whom a permit was handed out
-- Unset or empty means nobody, and so no rows. FORCE binds the owner of the tables too.

CREATE OR REPLACE FUNCTION kangma_asked() RETURNS bytea[] LANGUAGE sql STABLE AS
    $$ SELECT NULLIF(current_setting('kangma.asked', true), '')::bytea[] $$;
CREATE OR REPLACE FUNCTION kangma_names() RETURNS text[] LANGUAGE sql STABLE AS
    $$ SELECT NULLIF(current_setting('kangma.names', true), '')::text[] $$;
CREATE OR REPLACE FUNCTION kangma_subjects() RETURNS bytea[] LANGUAGE sql STABLE AS
    $$ SELECT NULLIF(current_setting('kangma.subjects', true), '')::bytea[] $$;

-- Whatever stood before.
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'public' LOOP
        EXECUTE format('DROP POLICY %I ON %I', one.policyname, one.tablename);
    END LOOP;
    FOR one IN SELECT grantee, table_name FROM information_schema.role_table_grants
        WHERE table_schema = 'public' AND grantee LIKE 'kangma\_%' AND grantee <> 'kangma_owner'
        GROUP BY grantee, table_name LOOP
        EXECUTE format('REVOKE ALL ON %I FROM %I', one.table_name, one.grantee);
    END LOOP;
END $$;

-- 1. Data: rows of residents of whom a permit was handed out.
DO $$
DECLARE one text;
BEGIN
    FOREACH one IN ARRAY ARRAY[
        'record_parts', 'series_days', 'latest', 'prompt_now', 'prompt_history'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', one);
        EXECUTE format('CREATE POLICY permitted ON %I TO kangma_resident, kangma_doctor, kangma_job'
            ' USING (resident_id = ANY ((SELECT kangma_subjects())::bytea[]))', one);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO kangma_resident', one);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON record_parts TO kangma_doctor;
GRANT SELECT, INSERT, UPDATE ON latest TO kangma_doctor;
GRANT SELECT ON series_days TO kangma_doctor;
GRANT SELECT ON latest, record_parts TO kangma_job;

-- 2. Policy: rows of residents a decision is being made about.
DO $$
DECLARE one text;
BEGIN
    FOREACH one IN ARRAY ARRAY[
        'residents', 'resident_state', 'grants', 'contracts', 'panel_cards', 'policy_history',
        'emergency_sessions', 'consent_requests', 'introductions', 'notices', 'contribution_grounds'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', one);
        EXECUTE format('CREATE POLICY asked ON %I'
            ' TO kangma_anyone, kangma_resident, kangma_doctor, kangma_job, kangma_operator'
            ' USING (resident_id = ANY ((SELECT kangma_asked())::bytea[]))', one);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO kangma_resident', one);
    END LOOP;
END $$;
GRANT DELETE ON panel_cards, contribution_grounds TO kangma_resident;
GRANT SELECT ON residents, resident_state TO kangma_anyone;
GRANT SELECT ON residents, contracts TO kangma_doctor;
-- A doctor's look spends a use of the grant, and a doctor's write takes the next revision.
GRANT SELECT, UPDATE ON resident_state, grants TO kangma_doctor;
GRANT SELECT, INSERT ON policy_history, notices, introductions TO kangma_doctor;
GRANT SELECT, INSERT, UPDATE ON emergency_sessions, consent_requests TO kangma_doctor;
GRANT SELECT, INSERT, UPDATE, DELETE ON panel_cards TO kangma_doctor;
GRANT SELECT ON residents, grants, contracts TO kangma_job;
-- UPDATE is what holding a row until the commit needs.
GRANT SELECT, UPDATE ON resident_state TO kangma_job;
GRANT SELECT, INSERT, UPDATE, DELETE ON contribution_grounds TO kangma_job;
GRANT SELECT, DELETE ON panel_cards TO kangma_operator;

-- Who signed with the doctor who is asked about, without a look at anybody else's contract.
CREATE POLICY signed ON contracts TO kangma_doctor
    USING (practitioner_id = ANY ((SELECT kangma_asked())::bytea[]));
-- A panel: also what names the clinic and the post that a doctor asks as. A role of its own, so that
-- decisions about one resident, which every look makes, need not carry these conditions. They ask
-- row by row: the statements of a panel name whom they look for, and an index finds those.
CREATE POLICY panel ON grants TO kangma_panel
    USING (grantee_kind IN ('practitioner', 'clinic', 'role')
        AND grantee_id = ANY ((SELECT kangma_names())::text[]));
CREATE POLICY panel ON contracts TO kangma_panel
    USING (practitioner_id = ANY ((SELECT kangma_asked())::bytea[])
        OR EXISTS (SELECT FROM grants WHERE grants.resident_id = contracts.resident_id));
CREATE POLICY panel ON residents TO kangma_panel
    USING (EXISTS (SELECT FROM contracts
        WHERE contracts.resident_id = residents.resident_id AND active));
CREATE POLICY panel ON resident_state TO kangma_panel
    USING (EXISTS (SELECT FROM contracts
        WHERE contracts.resident_id = resident_state.resident_id AND active));
CREATE POLICY panel ON panel_cards TO kangma_doctor, kangma_operator, kangma_panel
    USING (practitioner_id = ANY ((SELECT kangma_asked())::bytea[]));
GRANT SELECT ON residents, resident_state, grants, contracts, panel_cards, practitioners
    TO kangma_panel;
-- Who agreed to be counted: the job finds them by that grant alone.
CREATE POLICY counted ON grants TO kangma_job
    USING (grantee_kind = 'service' AND grantee_id = ANY ((SELECT kangma_names())::text[]));

-- Appeals: their owner's, and of those who signed with the doctor what they let the doctor read.
ALTER TABLE appeals ENABLE ROW LEVEL SECURITY;
ALTER TABLE appeals FORCE ROW LEVEL SECURITY;
CREATE POLICY permitted ON appeals TO kangma_resident
    USING (resident_id = ANY ((SELECT kangma_subjects())::bytea[]));
CREATE POLICY panel ON appeals TO kangma_doctor
    USING (for_doctor AND resident_id IN (SELECT resident_id FROM contracts
        WHERE active AND practitioner_id = ANY ((SELECT kangma_asked())::bytea[])));
GRANT SELECT, INSERT, UPDATE, DELETE ON appeals TO kangma_resident;
GRANT SELECT, UPDATE ON appeals TO kangma_doctor;

-- 3. The access log: its owner reads it, its own role adds to it, nobody changes it.
ALTER TABLE access_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_log FORCE ROW LEVEL SECURITY;
CREATE POLICY permitted ON access_log FOR SELECT TO kangma_resident
    USING (resident_id = ANY ((SELECT kangma_subjects())::bytea[]));
CREATE POLICY kept ON access_log TO kangma_log USING (true);
ALTER TABLE access_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY kept ON access_heads TO kangma_log USING (true);
GRANT SELECT ON access_log TO kangma_resident, kangma_upkeep;
GRANT SELECT, INSERT ON access_log, access_nodes, access_checkpoints TO kangma_log;
GRANT SELECT, INSERT, UPDATE ON access_heads, access_tree, access_tallies TO kangma_log;
GRANT SELECT, INSERT, DELETE ON access_buckets TO kangma_log;
GRANT SELECT ON access_heads, access_tree, access_nodes, access_checkpoints, access_buckets
    TO kangma_upkeep;
GRANT SELECT ON access_tallies TO kangma_upkeep, kangma_operator;
GRANT SELECT ON access_checkpoints TO kangma_anyone, kangma_resident, kangma_operator;

-- 4. Rows that are found by a keyed tag or a digest, before it is known whose they are.
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT * FROM (VALUES
        ('health_codes', 'code_hash', true),
        ('guardian_codes', 'hash', true),
        ('guardianships', 'tag', true),
        -- Contributions have no owner that the database knows; one leaves by its pseudonym.
        ('contributions', 'pseudonym', false)
    ) AS found(tabled, key, owned) LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one.tabled);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', one.tabled);
        EXECUTE format('CREATE POLICY found ON %I TO kangma_anyone, kangma_resident, kangma_doctor'
            ' USING (%I = ANY ((SELECT kangma_asked())::bytea[]))', one.tabled, one.key);
        IF one.owned THEN
            EXECUTE format('CREATE POLICY asked ON %I TO kangma_resident'
                ' USING (resident_id = ANY ((SELECT kangma_asked())::bytea[]))', one.tabled);
        END IF;
    END LOOP;
END $$;
GRANT SELECT, UPDATE ON health_codes TO kangma_anyone, kangma_doctor;
GRANT SELECT, INSERT, UPDATE, DELETE ON health_codes, guardianships, guardian_codes
    TO kangma_resident;
GRANT SELECT, DELETE ON contributions TO kangma_resident;
CREATE POLICY counted ON contributions TO kangma_job USING (true);
GRANT SELECT, INSERT, DELETE ON contributions TO kangma_job;
-- A look through broken glass is asked to be reviewed by who looks, and is reviewed by somebody who
-- reads no health data.
ALTER TABLE emergency_reviews ENABLE ROW LEVEL SECURITY;
ALTER TABLE emergency_reviews FORCE ROW LEVEL SECURITY;
CREATE POLICY asked ON emergency_reviews FOR INSERT TO kangma_doctor
    WITH CHECK (resident_id = ANY ((SELECT kangma_asked())::bytea[]));
CREATE POLICY reviewed ON emergency_reviews TO kangma_operator USING (true);
GRANT INSERT ON emergency_reviews TO kangma_doctor;
GRANT SELECT, UPDATE ON emergency_reviews TO kangma_operator;

-- 5. Sign-in.
GRANT SELECT, INSERT, UPDATE, DELETE ON refresh_tokens, revocations, passkeys, challenges,
    federated_logins, sign_in_attempts, used_once TO kangma_anyone, kangma_resident, kangma_doctor;
GRANT SELECT, INSERT, DELETE ON recovery_codes TO kangma_resident;
GRANT SELECT, INSERT, UPDATE, DELETE ON logins TO kangma_resident;
GRANT SELECT, INSERT, UPDATE ON logins TO kangma_anyone, kangma_doctor;
GRANT SELECT ON logins TO kangma_job;
GRANT SELECT ON clients, client_keys TO kangma_anyone;
GRANT SELECT ON practitioners, practitioner_posts, clinics
    TO kangma_anyone, kangma_resident, kangma_doctor, kangma_job;
GRANT SELECT, INSERT, UPDATE, DELETE ON logins, refresh_tokens, revocations, passkeys, challenges,
    federated_logins, sign_in_attempts, used_once, recovery_codes, clients, client_keys,
    practitioners, practitioner_posts, clinics TO kangma_operator;

-- 6. Releases: the job makes them, everybody else reads what was published.
-- Of what was published, signed or counted nothing is ever changed; money spent and charges are.
GRANT SELECT, INSERT ON release_artifacts, release_attempts, release_specifications TO kangma_job;
GRANT SELECT, INSERT, UPDATE ON release_budgets, release_charges TO kangma_job;
GRANT SELECT ON release_artifacts, release_attempts, release_budgets, release_charges,
    release_specifications, release_nodes, release_node_keys, release_pulled
    TO kangma_city, kangma_operator;
-- Releases of other publishers: the operator says whom to trust, and pulls.
GRANT INSERT ON release_nodes, release_node_keys, release_pulled TO kangma_operator;

-- 7. Chores of the HTTP service: they watch the log, tell residents what they saw, compare each day
-- with what the vault opened, drop ended rows of sign-in, and look whether anything is left of a
-- class or a person that was being erased.
CREATE POLICY watched ON access_log FOR SELECT TO kangma_chores USING (true);
CREATE POLICY told ON notices FOR INSERT TO kangma_chores WITH CHECK (true);
CREATE POLICY erased ON residents FOR SELECT TO kangma_chores USING (status = 'erased');
DO $$
DECLARE one text;
BEGIN
    FOR one IN SELECT tablename FROM pg_policies WHERE schemaname = 'public'
        AND policyname IN ('permitted', 'asked') AND tablename <> 'emergency_reviews' LOOP
        EXECUTE format('CREATE POLICY doomed ON %I FOR SELECT TO kangma_chores'
            ' USING (resident_id = ANY ((SELECT kangma_asked())::bytea[]))', one);
        EXECUTE format('GRANT SELECT ON %I TO kangma_chores', one);
    END LOOP;
END $$;
GRANT INSERT ON notices TO kangma_chores;
-- Where the watch has got to, and how much each practitioner read.
GRANT SELECT, INSERT, UPDATE ON access_watch, access_readers TO kangma_chores;
-- What the vault opened, to compare it with the log, and which days were compared.
GRANT SELECT ON access_tallies TO kangma_chores;
GRANT SELECT, INSERT, UPDATE ON access_reconciled TO kangma_chores;
GRANT SELECT, DELETE ON refresh_tokens, revocations, used_once, challenges, sign_in_attempts
    TO kangma_chores;

-- 8. Upkeep goes from resident to resident, on purpose and logged. It cannot touch the log.
DO $$
DECLARE one text;
BEGIN
    FOR one IN SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relrowsecurity LOOP
        EXECUTE format('CREATE POLICY upkeep ON %I TO kangma_upkeep USING (true)', one);
    END LOOP;
    FOR one IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind = 'r' AND relname !~ '^(access_|alembic)' LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO kangma_upkeep', one);
    END LOOP;
END $$;
