# What a row means: table maps, row images, values. Pure: no client library, no I/O; zlib inflates
# MariaDB's compressed columns.
tributary_room(mysql_values
    SOURCES
        row_image.cc table_map.cc table_schema.cc column_types.cc values.cc decimal.cc charset.cc
        single_byte_charsets.cc json_binary.cc json_diff.cc compressed_column.cc decoder.cc
    PUBLIC tributary_ports tributary_format
    PRIVATE ZLIB::ZLIB)
