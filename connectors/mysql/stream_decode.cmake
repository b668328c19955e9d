# The pure half that follows the stream: event parsers, GTIDs, positions, intake.
tributary_room(mysql_events
    SOURCES
        gtid.cc position.cc fingerprint.cc entry_payload.cc events.cc event_names.cc gtid_events.cc
        inflate.cc statement.cc binlog_cursor.cc row_split.cc tables.cc xa_rows.cc transaction.cc
        intake.cc intake_rows.cc intake_xa.cc
    PUBLIC tributary_ports tributary_format tributary_mysql_values
    PRIVATE ZLIB::ZLIB)
list(APPEND MYSQL_SOURCES $<TARGET_OBJECTS:tributary_mysql_events>)
