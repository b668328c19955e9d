// Tripwire: a file beside the database that remembers the last fsynced sequence of every live
// stream, so that a log that comes back shorter than it was (lost write cache, restored backup,
// truncated WAL) is noticed. Two slots of 4 KiB written in turn through O_DSYNC, each with its own
// CRC32C, so that a torn write leaves the other. Layout: docs/log-format.md, "Tripwire".
// One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "model/ids.h"

namespace tributary {

struct TripwireMark {
    StreamId stream;
    Sequence last;
    friend bool operator==(const TripwireMark&, const TripwireMark&) = default;
};

struct TripwireState {
    LogId log_id;
    std::uint64_t generation = 0;
    std::vector<TripwireMark> marks;
};

inline constexpr std::size_t kTripwireSlotBytes = 4096;
// Streams beyond this many are not watched: oldest ids go first.
inline constexpr std::size_t kTripwireMarksMax = 300;

// One slot's bytes and back; nullopt for anything but a whole slot of ours. Pure.
[[nodiscard]] std::string pack_tripwire(const TripwireState& state);
[[nodiscard]] std::optional<TripwireState> unpack_tripwire(std::string_view slot);

class Tripwire {
  public:
    // Reads what is there; makes the file when missing unless `read_only`. kLogCorrupt: the file is
    // there but neither slot is whole. kLogIo, kStateDirUnusable.
    [[nodiscard]] static Result<Tripwire> open(const std::filesystem::path& file, bool read_only);

    // The newest whole slot; nullopt for a new file.
    [[nodiscard]] const std::optional<TripwireState>& state() const noexcept { return state_; }

    // On disk when it returns. kLogIo.
    [[nodiscard]] Result<void> write(const LogId& log_id, std::span<const TripwireMark> marks);

  private:
    Tripwire(UniqueFd fd, std::optional<TripwireState> state)
        : fd_(std::move(fd)), state_(std::move(state)) {}

    UniqueFd fd_;
    std::optional<TripwireState> state_;
};

}  // namespace tributary
