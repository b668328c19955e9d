// mysql_bench: what tests/bench/run_mysql measures the agent beside, each line "records bytes
// seconds CPU-seconds". Not a test.
//   mysql_bench raw SOCKET PASSWORD FILE      reads a server's binlog from the beginning of FILE to
//                                             where it ends now, and throws it away
//   mysql_bench keep SOCKET PASSWORD FILE TO  the same, into the file TO: 64 KiB by 64 KiB through
//                                             LZ4, an fdatasync for each 2 MiB
//   mysql_bench serve FOLDER [OPTION=VALUE]   a MySQL 9 until its input ends; says socket, password
//   mysql_bench load SOCKET PASSWORD ROWS     inserts and updates, 100 rows in a transaction
// Threads: one.
#include <fcntl.h>
#include <lz4.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/cost.h"
#include "tests/bench/program.h"
#include "tests/servers/mysqld.h"

namespace tributary {
namespace {

using bench::Arguments;

void append_little(std::string& out, std::uint64_t value, int bytes) {
    for (int byte = 0; byte < bytes; ++byte) {
        out.push_back(static_cast<char>(value >> (8 * byte)));
    }
}

servers::MysqlConnection as_root(const Arguments& arguments, const std::string& database = "") {
    return servers::MysqlConnection({.socket = arguments.at(1),
                                     .host = {},
                                     .port = 0,
                                     .user = "root",
                                     .password = arguments.at(2),
                                     .database = database});
}

// The least that a durable copy takes, one step after the other.
class Keeper {
  public:
    explicit Keeper(const std::string& path)
        : file_(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600)) {}
    ~Keeper() { ::close(file_); }
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    void add(std::string_view bytes) {
        block_ += bytes;
        if (block_.size() >= kBlockBytes) {
            write();
        }
    }
    void write() {
        stored_.resize(
            static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(block_.size()))));
        const int size = LZ4_compress_default(block_.data(),
                                              stored_.data(),
                                              static_cast<int>(block_.size()),
                                              static_cast<int>(stored_.size()));
        if (::write(file_, stored_.data(), static_cast<std::size_t>(size)) != size) {
            throw std::runtime_error("write failed");
        }
        unsynced_ += block_.size();
        block_.clear();
        if (unsynced_ >= kSyncBytes) {
            sync();
        }
    }
    void sync() {
        if (::fdatasync(file_) != 0) {
            throw std::runtime_error("fdatasync failed");
        }
        unsynced_ = 0;
    }

  private:
    static constexpr std::size_t kBlockBytes = 64U << 10U;
    static constexpr std::size_t kSyncBytes = 2U << 20U;
    int file_;
    std::string block_;
    std::string stored_;
    std::size_t unsynced_ = 0;
};

void raw(const Arguments& arguments) {
    std::optional<Keeper> keeper;
    if (arguments.size() > 4) {
        keeper.emplace(arguments[4]);
    }
    servers::MysqlConnection connection = as_root(arguments);
    connection.sql(
        "SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32', "
        "@master_heartbeat_period = 100000000, @source_heartbeat_period = 100000000, "
        "@mariadb_slave_capability = 4");
    std::string command;
    append_little(command, 4, 4);
    append_little(command, 0, 2);
    append_little(command, 99, 4);
    command += arguments.at(3);
    MYSQL* handle = connection.handle();
    const bench::Cost cost;
    if (handle->methods->db_command(
            handle, COM_BINLOG_DUMP, command.data(), command.size(), 1, nullptr) != 0) {
        throw std::runtime_error(mysql_error(handle));
    }
    constexpr unsigned long kPacketError = 0xFFFFFFFFUL;
    constexpr std::size_t kTypeAt = 5;
    constexpr unsigned char kHeartbeat = 27;
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
    for (;;) {
        const unsigned long size = mysql_net_read_packet(handle);
        if (size == kPacketError || size <= kTypeAt) {
            throw std::runtime_error(mysql_error(handle));
        }
        if (handle->net.read_pos[kTypeAt] == kHeartbeat) {
            break;
        }
        ++events;
        bytes += size;
        if (keeper) {
            keeper->add({static_cast<const char*>(static_cast<void*>(handle->net.read_pos)), size});
        }
    }
    if (keeper) {
        keeper->write();
        keeper->sync();
    }
    cost.print(events, bytes);
}

void serve(const Arguments& arguments) {
    servers::MysqldOptions options{
        .directory = arguments.at(1), .kind = servers::MysqldKind::mysql, .fsync = true};
    for (std::size_t index = 2; index < arguments.size(); ++index) {
        const auto equals = arguments[index].find('=');
        options.settings.emplace_back(arguments[index].substr(0, equals),
                                      arguments[index].substr(equals + 1));
    }
    servers::Mysqld server(options);
    std::cout << server.socket() << ' ' << server.password() << std::endl;
    std::string line;
    while (std::getline(std::cin, line)) {
    }
}

void load(const Arguments& arguments) {
    constexpr int kRows = 100;
    const int groups = std::stoi(arguments.at(3)) / kRows;
    servers::MysqlConnection connection = as_root(arguments, "bench");
    for (int group = 0; group < groups; ++group) {
        std::string sql;
        if (group % 5 < 3) {
            sql = "INSERT INTO bench (grp, name, price, note) VALUES ";
            for (int row = 0; row < kRows; ++row) {
                const std::string number = std::to_string(group) + std::to_string(row);
                sql += std::string(row == 0 ? "" : ",") + "(" + std::to_string(group) + ",'name-" +
                       number + "'," + std::to_string(row) + ".25,CONCAT(SHA2('" + number +
                       "',256)))";
            }
        } else {
            const std::uint64_t last =
                std::stoull(*connection.sql("SELECT MAX(id) FROM bench").rows[0][0]);
            sql = "UPDATE bench SET grp = grp + 1 WHERE id BETWEEN " +
                  std::to_string(last - kRows + 1) + " AND " + std::to_string(last);
        }
        connection.sql(sql);
    }
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
    return tributary::bench::run_program("mysql_bench",
                                         argc,
                                         argv,
                                         {{"raw", tributary::raw},
                                          {"keep", tributary::raw},
                                          {"serve", tributary::serve},
                                          {"load", tributary::load}});
}
