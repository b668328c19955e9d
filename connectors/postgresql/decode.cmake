# The pure half: no libpq, no I/O. A library of its own, so that its tests and fuzzers need no
# client library; its objects are part of the connector.
tributary_room(postgresql_decode
    SOURCES
        lsn.cc position.cc pgoutput.cc entry_payload.cc types.cc text_values.cc special_values.cc
        intake.cc intake_tables.cc table_schema.cc decoder.cc confirm.cc history.cc quote.cc visible_set.cc copy_text.cc
        snapshot_table.cc snapshot.cc
    PUBLIC tributary_ports tributary_format tributary_core)
list(APPEND POSTGRESQL_SOURCES $<TARGET_OBJECTS:tributary_postgresql_decode>)
