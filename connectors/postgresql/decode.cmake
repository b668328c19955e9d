# The pure half: no libpq, no I/O. A library of its own, so that its tests and fuzzers need no
# client library; its objects are part of the connector.
tributary_room(postgresql_decode
    SOURCES
        decoder.cc entry_payload.cc lsn.cc position.cc
        stream/confirm.cc stream/pgoutput.cc
        values/extension_values.cc values/special_values.cc values/table_schema.cc values/text_values.cc values/types.cc
        intake/intake.cc intake/intake_tables.cc
        snapshot/copy_text.cc snapshot/snapshot.cc snapshot/snapshot_table.cc
        snapshot/visible_set.cc
        server/history.cc server/quote.cc
    PUBLIC tributary_ports tributary_format tributary_core)
list(APPEND POSTGRESQL_SOURCES $<TARGET_OBJECTS:tributary_postgresql_decode>)
