-- Tributary on MySQL 8.x and 9.x, MariaDB 10.5 and later: an account with the least rights, and what to
-- look at. Run as an administrator, with a password of your own in place of the one below:
--   mysql < mysql.sql
-- `tributary check` says what is still missing, and what is too much, with the SQL that mends it.

-- 1. The server. All of these in its configuration file, so that they last:
--    [mysqld]
--    server_id = 1                 # any number that no replica and no agent has
--    log_bin = binlog              # needs a restart; on by default in MySQL
--    binlog_format = ROW           # MySQL's default
--    binlog_row_image = FULL       # the default
--    binlog_row_metadata = FULL    # names, keys and labels in the log itself
--    sync_binlog = 1               # MariaDB's default is 0: a crash may lose what was delivered
--    innodb_flush_log_at_trx_commit = 1
--    binlog_expire_logs_seconds = 604800   # how long an agent may be away
--    gtid_mode = ON                # MySQL; MariaDB has GTIDs always
--    enforce_gtid_consistency = ON # MySQL
--    At run time, without a restart:
--    SET GLOBAL binlog_row_metadata = 'FULL';

-- 2. The account. It reads the binary log and asks where it ends.
CREATE USER 'tributary'@'%' IDENTIFIED BY 'choose another one' REQUIRE SSL;
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'tributary'@'%';
--    MariaDB calls the second one BINLOG MONITOR and takes either name.

-- 3. The rows that tables hold when the pipeline is new (snapshot.mode: initial, the default) are read from
--    them, and without SELECT the catalogue shows an account nothing of a table. Name the databases that are
--    followed. With `no_data` leave it out, unless binlog_row_metadata is not FULL.
GRANT SELECT ON shop.* TO 'tributary'@'%';
