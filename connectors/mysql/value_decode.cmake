# What a row means: table maps, row images, values. Pure: no I/O. A library of its own, so that its
# tests and fuzzers need no client library; its objects are part of the connector.
tributary_room(mysql_values
    SOURCES
        values/cell_encode.cc values/charset.cc values/column_types.cc values/compressed_column.cc
        values/decimal.cc values/json_binary.cc values/json_diff.cc values/json_encode.cc
        values/row_image.cc values/row_values.cc values/single_byte_charsets.cc values/table_map.cc
        values/table_schema.cc values/temporal.cc values/values.cc
    PUBLIC tributary_ports tributary_format
    PRIVATE ZLIB::ZLIB nlohmann_json::nlohmann_json)
list(APPEND MYSQL_SOURCES $<TARGET_OBJECTS:tributary_mysql_values>)
# Log entries to changes: needs both pure halves.
tributary_room(mysql_decode
    SOURCES decoder.cc statements/schema_change_text.cc
    PUBLIC tributary_mysql_events tributary_mysql_values)
list(APPEND MYSQL_SOURCES $<TARGET_OBJECTS:tributary_mysql_decode>)
