-- The login of the keystore on PostgreSQL 15 or later. Run once in its database, as a superuser,
-- before the first `kangma init`; again at any time, it changes nothing that is right already.
--
--   psql -d keystore -f keystore.sql
--   ALTER ROLE kangma_keys PASSWORD '...';
--
-- kangma_keys owns the tables of the keystore and can do nothing else on its server: a superuser
-- there reads files and runs programs. The data store's server knows no such login.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kangma_keys') THEN
        CREATE ROLE kangma_keys LOGIN;
    END IF;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO kangma_keys', current_database());
END $$;
ALTER ROLE kangma_keys LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO kangma_keys;
-- The tables of a keystore that a superuser began.
DO $$
DECLARE
    one name;
BEGIN
    FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO kangma_keys', one);
    END LOOP;
END $$;
