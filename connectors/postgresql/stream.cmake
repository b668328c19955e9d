# The I/O half: libpq connections, checks, catalogue, replication stream, and the Source itself.
list(APPEND POSTGRESQL_SOURCES
    check.cc source.cc source_snapshots.cc
    stream/replication_stream.cc
    server/catalogue.cc server/connection.cc server/publication_checks.cc
    server/server_checks.cc
    snapshot/chunk_reader.cc snapshot/snapshot_driver.cc)
