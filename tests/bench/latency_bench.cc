// latency_bench: how long a committed transaction takes until a read_committed consumer has it.
// Two ways at the same rate, record size and consumer settings, on separate topics:
//   source   INSERTs into PostgreSQL through a running agent; the clock starts when COMMIT
//   returned; client   librdkafka alone in Kafka transactions; the clock starts when the records
//   were due.
// The first second is not counted: nothing is warm then, neither broker nor client. How long the
// very first event took is told apart.
// Prints one line: way, events, p50, p90, p99, max, first in ms. Not a test.
// latency_bench source|client BOOTSTRAP TOPIC EVENTS_PER_S EVENTS_PER_GROUP SECONDS [CONNINFO]
// Threads: main produces, one consumes; marks_ is shared under a mutex.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/servers/kafka_handle.h"
#include "tests/servers/sql.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTransactionAge(20);  // as core/delivery/cut.h
constexpr std::size_t kValueBytes = 700;                  // as the agent's event of this table
constexpr std::string_view kMark = "\"grp\":";

struct Load {
    std::string bootstrap;
    std::string topic;
    std::uint32_t per_group = 0;
    std::uint32_t groups = 0;
    std::chrono::microseconds gap{};  // between two groups
    std::uint32_t warm_from = 0;      // the first group that is counted
};

// When each group was committed or due, and how long its records took.
class Marks {
  public:
    void start(std::uint32_t group, Clock::time_point when) {
        const std::lock_guard lock(mutex_);
        started_[group] = when;
    }
    // Records may be seen before COMMIT has returned here: they wait in seen_.
    void seen(std::uint32_t group) {
        const std::lock_guard lock(mutex_);
        seen_.emplace_back(group, Clock::now());
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return seen_.size();
    }
    // Sorted, of the groups from `least` on.
    std::vector<double> milliseconds(std::uint32_t least) {
        const std::lock_guard lock(mutex_);
        std::vector<double> out;
        for (const auto& [group, when] : seen_) {
            if (group >= least) {
                out.push_back(took(group, when));
            }
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    double milliseconds_of_first() {
        const std::lock_guard lock(mutex_);
        return took(seen_.front().first, seen_.front().second);
    }

  private:
    double took(std::uint32_t group, Clock::time_point when) {
        const std::chrono::duration<double, std::milli> time = when - started_[group];
        return std::max(time.count(), 0.0);
    }

    std::mutex mutex_;
    std::map<std::uint32_t, Clock::time_point> started_;
    std::vector<std::pair<std::uint32_t, Clock::time_point>> seen_;
};

void check(rd_kafka_error_t* error) {
    if (error != nullptr) {
        const std::string text = rd_kafka_error_string(error);
        rd_kafka_error_destroy(error);
        throw std::runtime_error(text);
    }
}

// The group number after the last mark (the new row) of a record's value; false without one.
bool group_of(std::string_view value, std::uint32_t& group) {
    const auto at = value.rfind(kMark);
    if (at == std::string_view::npos) {
        return false;
    }
    group = static_cast<std::uint32_t>(
        std::strtoul(std::string(value.substr(at + kMark.size(), 10)).c_str(), nullptr, 10));
    return true;
}

void consume(const Load& load, Marks& marks, std::atomic<bool>& ready, std::atomic<bool>& stop) {
    const auto client = servers::make_client(RD_KAFKA_CONSUMER,
                                             {{"bootstrap.servers", load.bootstrap},
                                              {"group.id", "latency-" + load.topic},
                                              {"isolation.level", "read_committed"},
                                              {"fetch.wait.max.ms", "5"},
                                              {"enable.partition.eof", "true"},
                                              {"auto.offset.reset", "latest"}});
    const std::unique_ptr<rd_kafka_topic_partition_list_t,
                          decltype(&rd_kafka_topic_partition_list_destroy)>
        parts(rd_kafka_topic_partition_list_new(1), rd_kafka_topic_partition_list_destroy);
    rd_kafka_topic_partition_list_add(parts.get(), load.topic.c_str(), 0)->offset =
        RD_KAFKA_OFFSET_END;
    rd_kafka_poll_set_consumer(client.get());
    rd_kafka_assign(client.get(), parts.get());
    while (!stop) {
        const servers::MessageHandle message(rd_kafka_consumer_poll(client.get(), 20));
        if (!message) {
            continue;
        }
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            ready = ready || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
            continue;
        }
        std::uint32_t group = 0;
        if (group_of({static_cast<const char*>(message->payload), message->len}, group)) {
            marks.seen(group);
        }
    }
    rd_kafka_consumer_close(client.get());
}

// One source transaction per group, at its due time. The table is bench(id, grp, ..), see run.
void from_source(const Load& load, const std::string& conninfo, Marks& marks) {
    servers::SqlConnection sql(conninfo);
    const auto start = Clock::now();
    for (std::uint32_t group = 0; group < load.groups; ++group) {
        std::this_thread::sleep_until(start + load.gap * group);
        sql.sql("INSERT INTO bench (grp, name, price, note) SELECT " + std::to_string(group) +
                ", 'latency', g * 1.25, md5(g::text) FROM generate_series(1, " +
                std::to_string(load.per_group) + ") g");
        marks.start(group, Clock::now());
    }
}

void produce_group(rd_kafka_t* client, rd_kafka_topic_t* topic, const Load& load, unsigned group) {
    std::string value = "{" + std::string(kMark) + std::to_string(group) + ",\"pad\":\"";
    value.resize(kValueBytes, 'x');
    for (std::uint32_t index = 0; index < load.per_group; ++index) {
        rd_kafka_produce(
            topic, 0, RD_KAFKA_MSG_F_COPY, value.data(), value.size(), "{\"id\":1}", 8, nullptr);
    }
    rd_kafka_poll(client, 0);
}

// The same groups at the same due times, in transactions of kTransactionAge, as the agent makes
// them, without anything of the agent.
void from_client(const Load& load, Marks& marks) {
    const auto client = servers::make_client(RD_KAFKA_PRODUCER,
                                             {{"bootstrap.servers", load.bootstrap},
                                              {"transactional.id", "latency-" + load.topic},
                                              {"compression.type", "lz4"},
                                              {"linger.ms", "1"}});
    const servers::TopicHandle topic(rd_kafka_topic_new(client.get(), load.topic.c_str(), nullptr));
    check(rd_kafka_init_transactions(client.get(), 30000));
    const auto start = Clock::now();
    std::uint32_t group = 0;
    while (group < load.groups) {
        std::this_thread::sleep_until(start + load.gap * group);
        check(rd_kafka_begin_transaction(client.get()));
        const auto end = Clock::now() + kTransactionAge;
        while (group < load.groups && start + load.gap * group < end) {
            std::this_thread::sleep_until(start + load.gap * group);
            marks.start(group, start + load.gap * group);
            produce_group(client.get(), topic.get(), load, group);
            ++group;
        }
        std::this_thread::sleep_until(end);
        check(rd_kafka_commit_transaction(client.get(), 30000));
    }
}

bool wait_until(std::chrono::seconds limit, const auto& done) {
    const auto deadline = Clock::now() + limit;
    while (!done() && Clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return done();
}

void report(const std::string& way, const std::vector<double>& sorted, double first) {
    const auto at = [&](double share) {
        return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
    };
    std::printf("%s %zu %.1f %.1f %.1f %.1f %.1f\n",
                way.c_str(),
                sorted.size(),
                at(0.5),
                at(0.9),
                at(0.99),
                sorted.back(),
                first);
}

int run(const std::vector<std::string>& arguments) {
    Load load;
    load.bootstrap = arguments[1];
    load.topic = arguments[2];
    const double rate = std::stod(arguments[3]);
    load.per_group = static_cast<std::uint32_t>(std::stoul(arguments[4]));
    load.groups = static_cast<std::uint32_t>(std::stod(arguments[5]) * rate / load.per_group);
    load.gap = std::chrono::microseconds(static_cast<std::int64_t>(1e6 * load.per_group / rate));
    load.warm_from = static_cast<std::uint32_t>(rate / load.per_group);
    Marks marks;
    std::atomic<bool> ready = false;
    std::atomic<bool> stop = false;
    std::thread consumer([&] { consume(load, marks, ready, stop); });
    bool complete = wait_until(std::chrono::seconds(30), [&] { return ready.load(); });
    if (arguments[0] == "source") {
        from_source(load, arguments.at(6), marks);
    } else {
        from_client(load, marks);
    }
    const std::size_t wanted = std::size_t{load.groups} * load.per_group;
    complete =
        complete && wait_until(std::chrono::seconds(30), [&] { return marks.count() >= wanted; });
    stop = true;
    consumer.join();
    if (!complete) {
        std::fprintf(stderr, "saw %zu of %zu records\n", marks.count(), wanted);
        return 1;
    }
    report(arguments[0], marks.milliseconds(load.warm_from), marks.milliseconds_of_first());
    return 0;
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.size() < 6 || (arguments[0] == "source" && arguments.size() < 7)) {
        std::fputs(
            "latency_bench source|client BOOTSTRAP TOPIC EVENTS_PER_S EVENTS_PER_GROUP "
            "SECONDS [CONNINFO]\n",
            stderr);
        return 2;
    }
    try {
        return tributary::run(arguments);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "latency_bench: %s\n", error.what());
        return 1;
    }
}
