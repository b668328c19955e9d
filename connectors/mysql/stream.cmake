# The I/O half: dump connection, SQL, checks, catalogue, and the Source itself.
list(APPEND MYSQL_SOURCES
    cascades.cc check.cc options.cc source.cc source_snapshots.cc
    binlog/dump.cc binlog/event_reader.cc binlog/packet_reader.cc binlog/payload.cc
    intake/dump_reader.cc
    server/catalogue.cc server/client.cc server/position_checks.cc server/server_checks.cc
    server/server_error.cc server/sql.cc server/wire.cc
    snapshot/chunk_reader.cc snapshot/snapshot_checks.cc snapshot/snapshot_driver.cc)
