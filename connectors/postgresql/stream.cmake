# The I/O half: libpq connections, checks, catalogue, replication stream, and the Source itself.
list(APPEND POSTGRESQL_SOURCES
    connection.cc catalogue.cc replication_stream.cc server_checks.cc chunk_reader.cc snapshot_driver.cc source.cc
    source_snapshots.cc)
