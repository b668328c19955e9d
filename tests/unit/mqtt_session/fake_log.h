// A log for the session tests: takes what a Step appends, makes it durable when told to, and loses
// the rest in a crash. Also the side keyspace, read back from what is durable. Asserts what
// session/step.h promises: numbers without a gap, side writes in order and each before an entry.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "connectors/mqtt/session/step.h"
#include "ports/side.h"

namespace tributary::mqtt::test {

struct LoggedEntry {
    IntakeNumber number = 0;
    IntakeKind kind = IntakeKind::message;
    std::string topic;
    std::string payload;
    std::string client_id;
    bool maybe_duplicate = false;
    Qos qos = Qos::at_most_once;
    bool retain = false;
};

class FakeLog final : public SideReader {
  public:
    void take(const Step& step) {
        std::size_t side = 0;
        for (std::size_t item = 0; item < step.intake.size(); ++item) {
            Pending pending;
            for (; side < step.side.size() && step.side[side].item == item; ++side) {
                const SideChange& change = step.side[side];
                pending.side.emplace_back(
                    step.key(change),
                    change.erase ? std::nullopt : std::optional<std::string>(step.value(change)));
            }
            const Intake& intake = step.intake[item];
            TRIBUTARY_ASSERT(intake.number == next_++);
            pending.entry = {.number = intake.number,
                             .kind = intake.kind,
                             .topic = std::string(intake.message.topic),
                             .payload = std::string(intake.message.payload),
                             .client_id = std::string(intake.client_id),
                             .maybe_duplicate = intake.maybe_duplicate,
                             .qos = intake.message.qos,
                             .retain = intake.message.retain};
            pending_.push_back(std::move(pending));
        }
        TRIBUTARY_ASSERT(side == step.side.size());
    }

    // Makes the next `count` entries durable, all by default. The number that is durable now.
    IntakeNumber sync(std::size_t count = SIZE_MAX) {
        for (; count > 0 && !pending_.empty(); --count) {
            for (auto& [key, value] : pending_.front().side) {
                if (value) {
                    side_[key] = *value;
                } else {
                    side_.erase(key);
                }
            }
            entries_.push_back(std::move(pending_.front().entry));
            pending_.pop_front();
        }
        return durable();
    }
    void crash() {
        pending_.clear();
        next_ = durable() + 1;
    }

    [[nodiscard]] IntakeNumber durable() const {
        return entries_.empty() ? 0 : entries_.back().number;
    }
    [[nodiscard]] std::size_t pending() const { return pending_.size(); }
    [[nodiscard]] const std::vector<LoggedEntry>& entries() const { return entries_; }
    [[nodiscard]] std::size_t side_size() const { return side_.size(); }
    // Payloads of durable messages (and wills), in order.
    [[nodiscard]] std::vector<std::string> payloads() const {
        std::vector<std::string> out;
        for (const auto& entry : entries_) {
            if (entry.kind == IntakeKind::message || entry.kind == IntakeKind::will) {
                out.push_back(entry.payload);
            }
        }
        return out;
    }
    [[nodiscard]] std::size_t count(IntakeKind kind) const {
        std::size_t found = 0;
        for (const auto& entry : entries_) {
            found += entry.kind == kind ? 1 : 0;
        }
        return found;
    }

    [[nodiscard]] Result<std::optional<std::string>> get(std::string_view key) const override {
        const auto found = side_.find(std::string(key));
        return found == side_.end() ? std::nullopt : std::optional<std::string>(found->second);
    }
    [[nodiscard]] Result<std::vector<SideEntry>> scan(std::string_view prefix,
                                                      std::string_view after,
                                                      std::size_t limit) const override {
        std::vector<SideEntry> found;
        for (const auto& [key, value] : side_) {
            if (key.starts_with(prefix) && key > after && found.size() < limit) {
                found.push_back({key, value});
            }
        }
        return found;
    }
    void put(std::string key, std::string value) { side_[std::move(key)] = std::move(value); }

  private:
    struct Pending {
        std::vector<std::pair<std::string, std::optional<std::string>>> side;
        LoggedEntry entry;
    };

    IntakeNumber next_ = 1;
    std::deque<Pending> pending_;
    std::vector<LoggedEntry> entries_;
    std::map<std::string, std::string> side_;
};

}  // namespace tributary::mqtt::test
