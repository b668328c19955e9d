# Over files captured from real servers, too (tests/golden/mysql).
tributary_test(mysql_stream_unit
    SOURCES
        support.cc binlog_cursor_test.cc ddl_test.cc entry_payload_test.cc events_test.cc gtid_test.cc
        intake_order_test.cc intake_resume_test.cc intake_test.cc intake_xa_test.cc position_test.cc statement_test.cc
    LIBRARIES tributary_mysql_events PkgConfig::ZSTD
    LABELS unit)
target_compile_definitions(mysql_stream_unit PRIVATE
    TRIBUTARY_GOLDEN_DIR="${PROJECT_SOURCE_DIR}/tests/golden/mysql")
