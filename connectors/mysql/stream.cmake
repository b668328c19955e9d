# The I/O half: dump connection, SQL, checks, catalogue, and the Source itself.
list(APPEND MYSQL_SOURCES
    catalogue.cc check.cc client.cc dump.cc event_reader.cc options.cc packet_reader.cc payload.cc
    server_checks.cc server_error.cc source.cc sql.cc wire.cc)
