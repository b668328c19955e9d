// A Control that answers from its members and remembers what it was asked.
#pragma once

#include <string>
#include <vector>

#include "model/errors.h"
#include "ports/control.h"

namespace tributary::admin {

class HandControl final : public Control {
  public:
    [[nodiscard]] AgentStatus status() const override {
        AgentStatus out;
        out.agent_id = "gw-17";
        out.log.bytes = 42;
        out.log_error = Error(errors::kLogIo, "sda1: Read-only file system");
        PipelineStatus plant;
        plant.name = "plant";
        plant.intake.state = PipelineState::running;
        plant.delivery.state = PipelineState::retrying;
        plant.delivery.error = Error(errors::kKafkaUnreachable, "k:9092 \xff refused");
        plant.durable = 9;
        plant.snapshot = SnapshotReport{.snapshot = {.state = SnapshotState::running,
                                                     .tables_total = 2,
                                                     .rows = 7,
                                                     .tables = {{.name = "public.t", .rows = 7}}},
                                        .rows_per_second = 3.5,
                                        .seconds_left = 12,
                                        .seconds = 2};
        out.pipelines.push_back(plant);
        return out;
    }
    [[nodiscard]] Result<std::string> peek(std::string_view pipeline,
                                           std::uint64_t from,
                                           std::size_t limit,
                                           bool values) override {
        asked = std::string(pipeline) + " " + std::to_string(from) + " " + std::to_string(limit) +
                (values ? " values" : "");
        return std::string("{\"sequence\":1}\n");
    }
    [[nodiscard]] Result<EventsPage> events(std::string_view pipeline,
                                            const EventsQuery& query) override {
        asked = std::string(pipeline) + " " + std::to_string(query.from) + " " +
                std::to_string(query.to) + " " + std::to_string(query.limit) +
                (query.raw ? " raw " : " ") + query.pattern;
        return EventsPage{
            .lines = "{\"sequence\":7}\n", .count = 1, .next = 8, .first = 1, .last = 9};
    }
    [[nodiscard]] Result<std::uint64_t> find_time(std::string_view pipeline,
                                                  std::int64_t time_us) override {
        asked = std::string(pipeline) + " " + std::to_string(time_us);
        return std::uint64_t{5};
    }
    [[nodiscard]] Result<DroppedEvents> drop(std::string_view pipeline,
                                             std::uint64_t before) override {
        if (before > 10) {
            return Error(errors::kArgumentInvalid, "the log ends at sequence 9");
        }
        asked = std::string(pipeline) + " " + std::to_string(before);
        return DroppedEvents{1, before};
    }
    [[nodiscard]] Result<std::vector<StreamInfo>> streams() override {
        StreamInfo info;
        info.id = StreamId(3);
        info.pipeline = "plant";
        info.extent.last = Sequence(9);
        return std::vector<StreamInfo>{info};
    }
    [[nodiscard]] Result<std::vector<DeadLetter>> dead_letters(std::string_view pipeline,
                                                               std::size_t) override {
        asked = std::string(pipeline);
        DeadLetter letter;
        letter.id = 5;
        letter.value = "\x01\x02";
        return std::vector<DeadLetter>{letter};
    }
    [[nodiscard]] Result<void> replay_dead_letter(std::uint64_t id) override {
        if (id != 5) {
            return Error(errors::kArgumentInvalid, "no dead letter " + std::to_string(id));
        }
        replayed.push_back(id);
        return success();
    }
    [[nodiscard]] Result<std::uint64_t> verify() override {
        return Error(errors::kEntryCorrupt, "sequence 7");
    }
    [[nodiscard]] Result<void> start_snapshot(std::string_view pipeline,
                                              const SnapshotRequest& request) override {
        asked = "start " + std::string(pipeline) + " " + request.table + " " + request.where;
        return success();
    }
    [[nodiscard]] Result<void> stop_snapshot(std::string_view pipeline,
                                             const std::string& table) override {
        if (table == "public.unknown") {
            return Error(errors::kSnapshotRefused, "no snapshot of " + table);
        }
        asked = "stop " + std::string(pipeline) + " " + table;
        return success();
    }
    [[nodiscard]] bool ready() const override { return is_ready; }

    std::string asked;
    std::vector<std::uint64_t> replayed;
    bool is_ready = false;
};

}  // namespace tributary::admin
