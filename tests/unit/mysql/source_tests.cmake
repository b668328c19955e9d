# The I/O half, as far as it is pure: what a server says, and the bytes of its answers.
tributary_test(mysql_source_unit
    SOURCES dump_test.cc event_reader_test.cc server_checks_test.cc server_error_test.cc
    LIBRARIES tributary_mysql PkgConfig::MARIADB PkgConfig::ZSTD ZLIB::ZLIB
    LABELS unit)
