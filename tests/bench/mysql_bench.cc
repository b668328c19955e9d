// mysql_bench: what tests/bench/run_mysql measures the agent beside, each line "records bytes
// seconds CPU-seconds". Not a test.
//   mysql_bench raw SOCKET PASSWORD FILE      reads a server's binlog from the beginning of FILE to
//                                             where it ends now, and throws it away
//   mysql_bench keep SOCKET PASSWORD FILE TO  the same, into the file TO: 64 KiB by 64 KiB through
//                                             LZ4, an fdatasync for each 2 MiB
//   mysql_bench kafka BOOTSTRAP TOPIC COUNT   takes the first records of TOPIC and sends COUNT like
//                                             them to it again, in transactions, as the agent's
//   mysql_bench serve FOLDER [OPTION=VALUE]   a MySQL 9 until its input ends; says "socket
//   password" mysql_bench load SOCKET PASSWORD ROWS     inserts and updates, 100 rows in a
//   transaction
// Threads: one, and librdkafka's.
#include <fcntl.h>
#include <lz4.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/servers/kafka_handle.h"
#include "tests/servers/kafka_reader.h"
#include "tests/servers/mysqld.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;
using Arguments = std::vector<std::string>;

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void report(std::uint64_t records, std::uint64_t bytes, Clock::time_point from, double cpu) {
    const std::chrono::duration<double> took = Clock::now() - from;
    std::printf("%llu %llu %.3f %.2f\n",
                static_cast<unsigned long long>(records),
                static_cast<unsigned long long>(bytes),
                took.count(),
                cpu_seconds() - cpu);
}

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

int raw(const Arguments& arguments) {
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
    const auto from = Clock::now();
    const double cpu = cpu_seconds();
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
    report(events, bytes, from, cpu);
    return 0;
}

void check(rd_kafka_error_t* error) {
    const servers::ErrorHandle held(error);
    if (held) {
        throw std::runtime_error(rd_kafka_error_string(held.get()));
    }
}

// The agent's settings (connectors/kafka/properties.cc) and cut (core/delivery/cut.h).
int kafka(const Arguments& arguments) {
    constexpr std::size_t kSamples = 20'000;
    constexpr std::size_t kTransactionRecords = 10'000;
    servers::KafkaReader reader({.bootstrap = arguments.at(1)});
    reader.follow(arguments.at(2));
    std::vector<servers::KafkaRecord> samples;
    while (samples.size() < kSamples) {
        auto record = reader.next(std::chrono::seconds(5));
        if (!record) {
            break;
        }
        if (record->key && record->value) {
            samples.push_back(std::move(*record));
        }
    }
    if (samples.empty()) {
        throw std::runtime_error("no records in " + arguments.at(2));
    }
    const auto client = servers::make_client(RD_KAFKA_PRODUCER,
                                             {{"bootstrap.servers", arguments.at(1)},
                                              {"transactional.id", "mysql-bench"},
                                              {"compression.type", "lz4"},
                                              {"linger.ms", "1000"},
                                              {"queue.buffering.max.kbytes", "16384"}});
    const servers::TopicHandle topic(
        rd_kafka_topic_new(client.get(), arguments.at(2).c_str(), nullptr));
    check(rd_kafka_init_transactions(client.get(), 30'000));
    const std::uint64_t count = std::stoull(arguments.at(3));
    std::uint64_t bytes = 0;
    const auto from = Clock::now();
    const double cpu = cpu_seconds();
    for (std::uint64_t sent = 0; sent < count;) {
        check(rd_kafka_begin_transaction(client.get()));
        for (std::size_t index = 0; index < kTransactionRecords && sent < count; ++index, ++sent) {
            servers::KafkaRecord& one = samples[sent % samples.size()];
            bytes += one.key->size() + one.value->size();
            while (rd_kafka_produce(topic.get(),
                                    RD_KAFKA_PARTITION_UA,
                                    0,
                                    one.value->data(),
                                    one.value->size(),
                                    one.key->data(),
                                    one.key->size(),
                                    nullptr) != 0) {
                rd_kafka_poll(client.get(), 5);
            }
        }
        check(rd_kafka_commit_transaction(client.get(), 60'000));
    }
    report(count, bytes, from, cpu);
    return 0;
}

int serve(const Arguments& arguments) {
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
    return 0;
}

int load(const Arguments& arguments) {
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
    return 0;
}

int run(const Arguments& arguments) {
    const std::string& mode = arguments.at(0);
    if (mode == "raw" || mode == "keep") {
        return raw(arguments);
    }
    if (mode == "kafka") {
        return kafka(arguments);
    }
    if (mode == "serve") {
        return serve(arguments);
    }
    if (mode == "load") {
        return load(arguments);
    }
    throw std::runtime_error("no mode " + mode);
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
    try {
        return tributary::run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "mysql_bench: %s\n", error.what());
        return 1;
    }
}
