# What a row means: table maps, row images, values. Pure: no I/O. A library of its own, so that its
# tests and fuzzers need no client library; its objects are part of the connector.
tributary_room(mysql_values
    SOURCES
        row_image.cc table_map.cc table_schema.cc column_types.cc values.cc temporal.cc decimal.cc
        row_values.cc cell_encode.cc json_encode.cc charset.cc single_byte_charsets.cc json_binary.cc json_diff.cc compressed_column.cc
    PUBLIC tributary_ports tributary_format
    PRIVATE ZLIB::ZLIB nlohmann_json::nlohmann_json)
list(APPEND MYSQL_SOURCES $<TARGET_OBJECTS:tributary_mysql_values>)
# Log entries to changes: needs both pure halves.
tributary_room(mysql_decode
    SOURCES decoder.cc schema_change_text.cc
    PUBLIC tributary_mysql_events tributary_mysql_values)
list(APPEND MYSQL_SOURCES $<TARGET_OBJECTS:tributary_mysql_decode>)
