// The judgement; see the header.
#include "tests/sim/oracle.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "format/checkpoint.h"
#include "format/record_header.h"

namespace tributary::sim {
namespace {

using Identity =
    std::tuple<std::uint64_t, std::uint32_t, std::uint16_t>;  // lsn, ordinal, sub-index

std::string describe(const Identity& identity) {
    return "record " + std::to_string(std::get<0>(identity)) + " #" +
           std::to_string(std::get<1>(identity)) + "." + std::to_string(std::get<2>(identity));
}

bool fits(const Expected& expected, const KafkaRecord& record) {
    const std::string wanted = expected.table.empty() ? ".message" : "." + expected.table;
    return record.topic.ends_with(wanted) &&
           (expected.value.empty() || expected.table.empty() ||
            (record.value && record.value->find(expected.value) != std::string::npos));
}

bool was_lost(const SimPostgres& server, const Identity& identity) {
    return std::any_of(server.lost().begin(), server.lost().end(), [&](const SimTransaction& tx) {
        return tx.commit_lsn - (tx.message ? 1 : 0) == std::get<0>(identity);
    });
}

}  // namespace

std::string check_chain(
    const SimKafka& kafka,
    const std::string& topic,
    const std::function<bool(const Position& before, const Position& now)>& moves_back) {
    std::optional<Checkpoint> before;
    std::string violation;
    read_committed(kafka, kafka.partition_of(topic, ""), [&](const KafkaRecord& record) {
        const auto read = format::unpack_checkpoint(*record.value);
        if (!violation.empty() || !read) {
            violation = violation.empty() ? "a checkpoint cannot be read" : violation;
            return;
        }
        const Checkpoint& now = read.value();
        const Sequence previous = before ? before->last : Sequence();
        if (now.previous_last != previous || now.last < previous) {
            violation =
                "the chain of checkpoints breaks: " + std::to_string(now.previous_last.value()) +
                " does not follow " + std::to_string(previous.value());
        } else if (before && moves_back(before->resume, now.resume)) {
            violation = "a checkpoint's resume position moves back";
        }
        before = now;
    });
    return violation;
}

std::size_t visible(const SimKafka& kafka, const std::string& checkpoint_topic) {
    std::size_t count = 0;
    for (const auto& [partition, log] : kafka.logs()) {
        if (!partition.starts_with(checkpoint_topic)) {
            read_committed(kafka, partition, [&](const KafkaRecord&) { ++count; });
        }
    }
    return count;
}

Judgement judge(const SimPostgres& server,
                const SimKafka& kafka,
                const std::string& checkpoint_topic) {
    Judgement result;
    const std::vector<Expected> expected = server.expected();
    result.expected = expected.size();
    std::map<Identity, std::size_t> place;
    for (std::size_t at = 0; at < expected.size(); ++at) {
        place.emplace(Identity(expected[at].lsn, expected[at].ordinal, expected[at].sub_index), at);
    }
    std::vector<bool> seen(expected.size(), false);
    const auto blame = [&](const std::string& what) {
        if (result.violation.empty()) {
            result.violation = what;
        }
    };
    for (const auto& each : kafka.logs()) {
        const std::string& partition = each.first;
        if (partition.starts_with(checkpoint_topic)) {
            continue;
        }
        std::optional<std::size_t> newest;
        read_committed(kafka, partition, [&](const KafkaRecord& record) {
            const auto header = format::parse_record_header(record.identity);
            if (!header || header.value().position.size() != sizeof(std::uint64_t)) {
                blame("a record without identity in " + partition);
                return;
            }
            const Identity identity(
                load<std::uint64_t>(header.value().position.data(), Endian::big),
                header.value().ordinal,
                header.value().sub_index);
            const auto found = place.find(identity);
            if (found == place.end() || !fits(expected[found->second], record)) {
                if (was_lost(server, identity)) {
                    result.has_lost = true;
                } else {
                    blame(describe(identity) + " in " + partition +
                          (found == place.end() ? " was never committed" : " has another content"));
                }
                return;
            }
            if (seen[found->second]) {
                blame(describe(identity) + " is there twice");
                return;
            }
            seen[found->second] = true;
            ++result.seen;
            if (newest && found->second < *newest) {
                blame(describe(identity) + " in " + partition + " is out of order");
            }
            newest = found->second;
        });
    }
    const auto missing = std::find(seen.begin(), seen.end(), false);
    if (missing != seen.end()) {
        const Expected& row = expected[static_cast<std::size_t>(missing - seen.begin())];
        result.first_missing = describe(Identity(row.lsn, row.ordinal, row.sub_index));
    }
    blame(check_chain(kafka, checkpoint_topic, [](const Position& before, const Position& now) {
        return now.bytes < before.bytes;
    }));
    return result;
}

}  // namespace tributary::sim
