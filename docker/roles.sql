-- The roles of the data store on PostgreSQL 15 or later. Run once in its database, as a superuser,
-- before the first `kangma init`; again at any time, it changes nothing that is right already.
--
--   psql -d kangma -f roles.sql
--   ALTER ROLE kangma_owner PASSWORD '...';   -- and of kangma_app, kangma_desk, kangma_backup
--
-- kangma_owner owns the tables and migrates them. kangma_app is the login of the HTTP service and
-- kangma_desk that of the command line: they own nothing, inherit nothing, and can only become
-- audiences below. Which rows each audience sees is said in service/migrations/walls.sql, which
-- every migration puts in place. kangma_backup reads everything, all of it sealed, and writes
-- nothing.
DO $$
DECLARE
    audience text;
    known boolean;
BEGIN
    FOREACH audience IN ARRAY ARRAY[
        'kangma_anyone',   -- nobody has signed in yet
        'kangma_resident', -- a resident, or a guardian for a child
        'kangma_doctor',   -- a practitioner
        'kangma_city',     -- the city's machine: published tables and nothing else
        'kangma_job',      -- contributions and releases
        'kangma_operator', -- people and machines that may sign in
        'kangma_panel',    -- who is on a practitioner's panel
        'kangma_chores',   -- what the HTTP service does beside answering
        'kangma_upkeep',   -- what goes from resident to resident: verification, restore, renewal
        'kangma_log'       -- entries and checkpoints of the access log
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = audience) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', audience);
        END IF;
        EXECUTE format('ALTER ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE', audience);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kangma_owner') THEN
        CREATE ROLE kangma_owner LOGIN;
    END IF;
    FOREACH audience IN ARRAY ARRAY['kangma_app', 'kangma_desk', 'kangma_backup'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = audience) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', audience);
        END IF;
    END LOOP;
END $$;
ALTER ROLE kangma_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
ALTER ROLE kangma_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT;
ALTER ROLE kangma_desk LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT;
ALTER ROLE kangma_backup LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE INHERIT;
ALTER ROLE kangma_backup SET default_transaction_read_only = on;
GRANT pg_read_all_data TO kangma_backup;
-- Whoever takes over the HTTP service counts nobody, adds no practitioner, and does not go from
-- resident to resident.
REVOKE kangma_job, kangma_operator, kangma_upkeep FROM kangma_app;
GRANT kangma_anyone, kangma_resident, kangma_doctor, kangma_panel, kangma_city, kangma_log,
    kangma_chores TO kangma_app;
GRANT kangma_anyone, kangma_resident, kangma_doctor, kangma_panel, kangma_city, kangma_job,
    kangma_operator, kangma_upkeep, kangma_log, kangma_chores TO kangma_desk;

-- The database is the owner's; nobody else makes anything in it.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO kangma_owner, kangma_app, kangma_desk,'
        ' kangma_backup', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO kangma_owner;
GRANT USAGE ON SCHEMA public TO kangma_app, kangma_desk, kangma_backup, kangma_anyone,
    kangma_resident, kangma_doctor, kangma_panel, kangma_city, kangma_job, kangma_operator,
    kangma_upkeep, kangma_log, kangma_chores;
