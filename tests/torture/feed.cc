#include "tests/torture/feed.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "format/checkpoint.h"
#include "tests/servers/failure.h"

namespace tributary::torture {

using servers::KafkaReader;
using servers::KafkaRecord;
using servers::ServerFailure;

std::vector<Checkpoint> read_checkpoints(KafkaReader& reader, const std::string& pipeline) {
    std::vector<Checkpoint> checkpoints;
    for (const auto& record : reader.read("_tributary.checkpoint.torture." + pipeline)) {
        const auto checkpoint = format::unpack_checkpoint(record.value.value_or(""));
        if (!checkpoint) {
            throw ServerFailure("checkpoint: " + checkpoint.error().what());
        }
        checkpoints.push_back(checkpoint.value());
    }
    return checkpoints;
}

std::map<std::string, std::vector<KafkaRecord>> read_tables(
    KafkaReader& reader, const std::string& prefix, const std::vector<std::string>& tables) {
    std::map<std::string, std::vector<KafkaRecord>> by_table;
    const auto topics = reader.topics();
    for (const std::string& table : tables) {
        const std::string topic = prefix + "." + table;
        if (std::find(topics.begin(), topics.end(), topic) != topics.end()) {
            by_table[table] = reader.read(topic);
        }
    }
    return by_table;
}

void compare_state(const std::string& table,
                   std::vector<std::string> expected,
                   const std::vector<std::string>& found,
                   FeedReport& report) {
    std::sort(expected.begin(), expected.end());
    report.state_rows += expected.size();
    if (found == expected) {
        return;
    }
    ++report.states_different;
    const auto [left, right] =
        std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
    report.problems.push_back(table + ": state differs: table " +
                              (left == expected.end() ? "ends" : left->substr(0, 200)) +
                              "; topic " + (right == found.end() ? "ends" : right->substr(0, 200)));
}

void plant(std::vector<KafkaRecord>& records, Plant plant) {
    if (records.size() < 3) {
        return;
    }
    const auto at = records.begin() + static_cast<std::ptrdiff_t>(records.size() / 2);
    switch (plant) {
        case Plant::none:
            return;
        case Plant::lose:
            records.erase(at);
            return;
        case Plant::swap:
            std::swap(*at, *(at + 1));
            return;
        case Plant::twice: {
            const auto copy = *at;
            records.push_back(copy);
            return;
        }
    }
}

bool LastWord::seen(const std::string& bootstrap,
                    const std::string& topic,
                    const std::function<bool(const KafkaRecord&)>& is_last) {
    constexpr std::chrono::milliseconds kTurn{500};
    const auto deadline = std::chrono::steady_clock::now() + kTurn;
    try {
        if (!reader_) {
            auto reader =
                std::make_unique<KafkaReader>(servers::KafkaReaderOptions{.bootstrap = bootstrap});
            reader->follow(topic);
            reader_ = std::move(reader);
        }
        while (!seen_ && std::chrono::steady_clock::now() < deadline) {
            const auto record = reader_->next(std::chrono::milliseconds(100));
            seen_ = record && is_last(*record);
        }
    } catch (const ServerFailure&) {
        return false;  // there is no such topic yet
    }
    return seen_;
}

bool is_last_row(const KafkaRecord& record, std::int64_t n) {
    if (record.key.value_or("") != R"({"id":0})" || !record.value) {
        return false;
    }
    const auto row = nlohmann::json::parse(*record.value).at("after");
    return row.is_object() && row.at("n") == n;
}

}  // namespace tributary::torture
