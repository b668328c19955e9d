-- Tributary on PostgreSQL 13 to 18: a role with the least rights, a publication, and what to look at.
-- Run as a superuser in the database that is to be followed:
--   psql -d plant -f postgresql.sql
-- then give the role its password without it appearing in any log or history:
--   \password tributary
-- `tributary check` says what is still missing, and what is too much.

-- 1. The server. wal_level needs a restart; the two others a reload.
--    ALTER SYSTEM SET wal_level = 'logical';
--    ALTER SYSTEM SET max_slot_wal_keep_size = '16GB';  -- how much disk an absent agent may cost
--    ALTER SYSTEM SET wal_sender_timeout = '60s';
--    One slot and one walsender per source; the defaults (10 of each) usually do.

-- 2. The role. REPLICATION and LOGIN, and CONNECT on this database (which PUBLIC has unless it was
--    revoked). Changes come by the stream, which needs no right on any table. The rows that tables hold
--    when the pipeline is new (snapshot.mode: initial, the default) are read from them: see 3. With
--    `no_data` leave that part out.
CREATE ROLE tributary LOGIN REPLICATION
    NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOINHERIT;
DO $$
BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO tributary', current_database());
END
$$;
-- Amazon RDS and Aurora: instead of REPLICATION
--    GRANT rds_replication TO tributary;

-- 3. The publication, before the slot. Name the tables: a publication FOR ALL TABLES also stops UPDATE
--    and DELETE on every table that has no primary key. All four operations must be published.
CREATE PUBLICATION tributary FOR TABLE
    public.orders,
    public.customers
    WITH (publish = 'insert, update, delete, truncate');
--    What a snapshot reads, per schema:
GRANT USAGE ON SCHEMA public TO tributary;
GRANT SELECT ON public.orders, public.customers TO tributary;
-- Tables without a primary key need one of
--    ALTER TABLE public.readings REPLICA IDENTITY FULL;
--    ALTER TABLE public.readings REPLICA IDENTITY USING INDEX readings_unique_not_null;

-- 4. The slot is created by the agent when the pipeline is new (create_slot: true). To create it here:
--    SELECT pg_create_logical_replication_slot('tributary_plant', 'pgoutput');

-- 5. pg_hba.conf: the agent makes one ordinary and one replication connection, both to the database by
--    its name (a logical walsender is not matched by the word `replication`):
--    hostssl  plant  tributary  192.0.2.0/24  scram-sha-256

-- To watch it:
--    SELECT slot_name, active, wal_status, safe_wal_size,
--           pg_size_pretty(pg_current_wal_lsn() - confirmed_flush_lsn) AS kept_for_it
--    FROM pg_replication_slots;

-- To remove it for good. A slot that stays behind keeps WAL for ever.
--    SELECT pg_drop_replication_slot('tributary_plant');
--    DROP PUBLICATION tributary;
--    REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM tributary; REVOKE USAGE ON SCHEMA public FROM tributary;
--    REVOKE CONNECT ON DATABASE plant FROM tributary;
--    DROP ROLE tributary;
