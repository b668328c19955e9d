// kafka_bench: librdkafka without an agent, and when something that is no agent has delivered. Not
// a test.
//   kafka_bench alone BOOTSTRAP TOPIC COUNT
//       takes the first records of TOPIC and sends COUNT like them to it again, in transactions, as
//       the agent's; prints "records bytes seconds CPU-seconds"
//   kafka_bench arrived BOOTSTRAP TOPIC COUNT
//       prints "began" when the first of COUNT records that TOPIC does not have yet is there, then
//       "offsets seconds" when all are and nothing has come for three seconds: from the first to
//       the last. Offsets count markers of transactions too. Fails after 15 minutes.
//   kafka_bench end BOOTSTRAP TOPIC
//       prints how far TOPIC goes, 0 when there is none
// Threads: one, and librdkafka's.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/cost.h"
#include "tests/bench/program.h"
#include "tests/servers/kafka_handle.h"
#include "tests/servers/kafka_reader.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;
using bench::Arguments;

void check(rd_kafka_error_t* error) {
    const servers::ErrorHandle held(error);
    if (held) {
        throw std::runtime_error(rd_kafka_error_string(held.get()));
    }
}

// The agent's settings (connectors/kafka/properties.cc) and cut (core/delivery/cut.h).
void alone(const Arguments& arguments) {
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
                                              {"transactional.id", "kafka-bench"},
                                              {"compression.type", "lz4"},
                                              {"linger.ms", "1000"},
                                              {"queue.buffering.max.kbytes", "16384"}});
    const servers::TopicHandle topic(
        rd_kafka_topic_new(client.get(), arguments.at(2).c_str(), nullptr));
    check(rd_kafka_init_transactions(client.get(), 30'000));
    const std::uint64_t count = std::stoull(arguments.at(3));
    std::uint64_t bytes = 0;
    const bench::Cost cost;
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
    cost.print(count, bytes);
}

// 0 when there is no such topic.
std::int64_t end_of(servers::KafkaReader& reader, const std::string& topic) {
    const std::vector<std::string> topics = reader.topics();
    if (std::find(topics.begin(), topics.end(), topic) == topics.end()) {
        return 0;
    }
    std::int64_t end = 0;
    for (int partition = 0; partition < reader.partitions_of(topic); ++partition) {
        end += reader.watermarks(topic, partition).second;
    }
    return end;
}

// Asks for ends only: a consumer would take CPU from what is measured.
void arrived(const Arguments& arguments) {
    constexpr std::chrono::milliseconds kPace(100);
    constexpr std::chrono::seconds kQuiet(3);
    constexpr std::chrono::minutes kLimit(15);
    const std::string& topic = arguments.at(2);
    const std::int64_t count = std::stoll(arguments.at(3));
    servers::KafkaReader reader({.bootstrap = arguments.at(1)});
    const auto give_up = Clock::now() + kLimit;
    const std::int64_t begin = end_of(reader, topic);
    std::int64_t end = begin;
    Clock::time_point first;
    Clock::time_point last;
    while (end - begin < count || Clock::now() - last < kQuiet) {
        if (Clock::now() > give_up) {
            throw std::runtime_error(topic + " has " + std::to_string(end - begin) + " more, not " +
                                     std::to_string(count));
        }
        std::this_thread::sleep_for(kPace);
        const std::int64_t now = end_of(reader, topic);
        if (now == end) {
            continue;
        }
        last = Clock::now();
        if (end == begin) {
            first = last;
            std::puts("began");
            std::fflush(stdout);
        }
        end = now;
    }
    std::printf("%lld %.3f\n",
                static_cast<long long>(end - begin),
                std::chrono::duration<double>(last - first).count());
}

void end(const Arguments& arguments) {
    servers::KafkaReader reader({.bootstrap = arguments.at(1)});
    std::printf("%lld\n", static_cast<long long>(end_of(reader, arguments.at(2))));
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
    return tributary::bench::run_program(
        "kafka_bench",
        argc,
        argv,
        {{"alone", tributary::alone}, {"arrived", tributary::arrived}, {"end", tributary::end}});
}
