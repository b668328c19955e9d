# The pure half that follows the stream: event parsers, GTIDs, positions, intake.
tributary_room(mysql_events
    SOURCES
        entry_payload.cc position.cc
        binlog/binlog_cursor.cc binlog/event_names.cc binlog/events.cc binlog/fingerprint.cc
        binlog/gtid.cc binlog/gtid_events.cc binlog/inflate.cc binlog/row_split.cc
        statements/ddl.cc statements/quote.cc statements/schema_change.cc statements/sql_lexer.cc
        statements/statement.cc
        intake/intake.cc intake/intake_ddl.cc intake/intake_files.cc intake/intake_rows.cc
        intake/intake_snapshot.cc intake/intake_xa.cc intake/tables.cc intake/transaction.cc
        intake/xa_rows.cc
        snapshot/snapshot.cc snapshot/snapshot_rows.cc snapshot/snapshot_table.cc
    PUBLIC tributary_core tributary_ports tributary_format tributary_mysql_values
    PRIVATE ZLIB::ZLIB)
list(APPEND MYSQL_SOURCES $<TARGET_OBJECTS:tributary_mysql_events>)
