# Third-party libraries, each found once. Only the room named beside it may link it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.74 REQUIRED)                                    # everywhere, headers only
find_package(RocksDB REQUIRED)                                       # src/log
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)           # src/model
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)               # src/format
find_package(yaml-cpp REQUIRED)                                      # src/config
find_package(fmt REQUIRED)                                           # src/telemetry, by spdlog
find_package(spdlog REQUIRED)                                        # src/telemetry
find_package(prometheus-cpp CONFIG REQUIRED)                         # src/telemetry
find_package(CLI11 REQUIRED)                                         # src/cli
find_package(nlohmann_json REQUIRED)                                 # src/config, tests
find_package(OpenSSL REQUIRED)                                       # connectors/mqtt, connectors/mysql
find_package(PahoMqttCpp REQUIRED)                                   # connectors/mqtt
find_package(PostgreSQL REQUIRED)                                    # connectors/postgresql
pkg_check_modules(MARIADB REQUIRED IMPORTED_TARGET libmariadb)       # connectors/mysql
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)             # connectors/mysql
find_package(ZLIB REQUIRED)                                          # connectors/mysql
find_path(MYSQLCPPCONN_INCLUDE mysql_driver.h REQUIRED)              # connectors/mysql
find_library(MYSQLCPPCONN_LIBRARY mysqlcppconn REQUIRED)
add_library(MysqlCpp::Connector UNKNOWN IMPORTED)
set_target_properties(MysqlCpp::Connector PROPERTIES IMPORTED_LOCATION "${MYSQLCPPCONN_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${MYSQLCPPCONN_INCLUDE}")
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka)          # connectors/kafka
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)       # src/agent
if(TRIBUTARY_TESTS)
    find_package(GTest REQUIRED)
endif()
