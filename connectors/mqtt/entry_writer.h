// EntryWriter: what a session wants in the log (session/step.h), as entries of this connector.
// Where no sink is at hand (open(), idle(), close()) entries wait here, in order, until the next
// poll(); what waits is bounded by what one read or one tick can give. Pure; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/mqtt/position.h"
#include "connectors/mqtt/session/step.h"
#include "ports/source.h"

namespace tributary::mqtt {

class EntryWriter {
  public:
    // `run`: position.h. `devices`: client identifiers are those of devices and are kept.
    EntryWriter(std::uint64_t run, bool devices) : devices_(devices) { place_.run = run; }

    // The entries of one poll() share a context: call before its first write().
    void begin_batch() { batch_first_ = 0; }
    // `sink` null: they wait.
    void write(const Step& step, std::int64_t now_us, EntrySink* sink);
    // Writes what waits.
    void flush(std::int64_t now_us, EntrySink& sink);
    // The log goes on after `at`, whatever was written or waits: that is dropped.
    void restart(const Position& at);

    [[nodiscard]] std::size_t waiting_bytes() const { return waiting_bytes_; }
    // Of the newest entry that a sink was given.
    [[nodiscard]] const Position& written() const { return position_; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  private:
    struct Waiting {
        EntryKind kind = EntryKind::message;
        IntakeNumber number = 0;
        std::string payload;
        std::vector<SideWrite> side;
    };

    void append(EntryKind kind,
                IntakeNumber number,
                std::string_view payload,
                std::int64_t now_us,
                EntrySink& sink);

    bool devices_;
    Place place_;
    IntakeNumber batch_first_ = 0;
    std::vector<Waiting> waiting_;
    std::size_t waiting_bytes_ = 0;
    std::string payload_;
    std::string context_;
    Position position_;
    std::uint64_t bytes_ = 0;
};

}  // namespace tributary::mqtt
