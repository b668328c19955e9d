# The pure half that follows the stream: event parsers, GTIDs, positions, intake.
tributary_room(mysql_events
    SOURCES
        gtid.cc position.cc fingerprint.cc entry_payload.cc events.cc event_names.cc gtid_events.cc
        inflate.cc quote.cc sql_lexer.cc statement.cc ddl.cc schema_change.cc binlog_cursor.cc row_split.cc tables.cc xa_rows.cc transaction.cc
        intake.cc intake_ddl.cc intake_files.cc intake_rows.cc intake_xa.cc intake_snapshot.cc snapshot_table.cc snapshot_rows.cc
        snapshot.cc
    PUBLIC tributary_core tributary_ports tributary_format tributary_mysql_values
    PRIVATE ZLIB::ZLIB)
list(APPEND MYSQL_SOURCES $<TARGET_OBJECTS:tributary_mysql_events>)
