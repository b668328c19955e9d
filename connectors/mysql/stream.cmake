# The I/O half: dump connection, SQL, checks, catalogue, and the Source itself.
list(APPEND MYSQL_SOURCES
    catalogue.cc check.cc chunk_reader.cc client.cc dump.cc dump_reader.cc event_reader.cc
    options.cc packet_reader.cc payload.cc position_checks.cc server_checks.cc server_error.cc
    snapshot_checks.cc source.cc source_snapshots.cc sql.cc wire.cc)
