// Tripwire; see the header.
#include "log/tripwire.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "log/files.h"
#include "model/errors.h"

namespace tributary {

namespace {

constexpr std::string_view kMagic = "TTRP";
constexpr std::uint16_t kTripwireVersion = 1;
constexpr std::size_t kCrcAt = kTripwireSlotBytes - sizeof(std::uint32_t);
constexpr std::uint64_t kSlots = 2;

[[nodiscard]] std::optional<TripwireState> read_slot(int fd, std::uint64_t slot) {
    std::string bytes(kTripwireSlotBytes, '\0');
    const auto at = static_cast<off_t>(slot * kTripwireSlotBytes);
    const ssize_t count = ::pread(fd, bytes.data(), bytes.size(), at);
    if (count != static_cast<ssize_t>(bytes.size())) {
        return std::nullopt;
    }
    return unpack_tripwire(bytes);
}

}  // namespace

std::string pack_tripwire(const TripwireState& state) {
    const std::size_t skip =
        state.marks.size() > kTripwireMarksMax ? state.marks.size() - kTripwireMarksMax : 0;
    std::string out(kMagic);
    append_fixed(out, kTripwireVersion);
    append_fixed(out, static_cast<std::uint16_t>(state.marks.size() - skip));
    append_fixed(out, state.generation);
    for (const std::uint8_t byte : state.log_id.bytes) {
        out.push_back(static_cast<char>(byte));
    }
    for (std::size_t index = skip; index < state.marks.size(); ++index) {
        append_fixed(out, state.marks[index].stream.value());
        append_fixed(out, state.marks[index].last.value());
    }
    out.resize(kCrcAt);
    append_fixed(out, crc32c(0, out));
    return out;
}

std::optional<TripwireState> unpack_tripwire(std::string_view slot) {
    if (slot.size() != kTripwireSlotBytes ||
        load<std::uint32_t>(slot.data() + kCrcAt, Endian::little) !=
            crc32c(0, slot.substr(0, kCrcAt))) {
        return std::nullopt;
    }
    ByteReader reader(slot.substr(0, kCrcAt));
    const bool ours = reader.bytes(kMagic.size()) == kMagic;
    const auto version = reader.fixed<std::uint16_t>();
    const auto count = reader.fixed<std::uint16_t>();
    if (!ours || version != kTripwireVersion || count > kTripwireMarksMax) {
        return std::nullopt;
    }
    TripwireState state;
    state.generation = reader.fixed<std::uint64_t>();
    for (std::uint8_t& byte : state.log_id.bytes) {
        byte = reader.fixed<std::uint8_t>();
    }
    for (std::uint16_t index = 0; index < count; ++index) {
        const StreamId stream(reader.fixed<std::uint32_t>());
        state.marks.push_back({stream, Sequence(reader.fixed<std::uint64_t>())});
    }
    return state;
}

Result<Tripwire> Tripwire::open(const std::filesystem::path& file, bool read_only) {
    const int flags = read_only ? O_RDONLY : O_RDWR | O_CREAT;
    UniqueFd fd(::open(file.c_str(), flags | O_DSYNC | O_CLOEXEC, 0600));
    if (!fd) {
        if (read_only && errno == ENOENT) {
            return Tripwire(UniqueFd(), std::nullopt);
        }
        return file_error("open", file);
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
        return file_error("stat", file);
    }
    if (status.st_size == 0) {
        return Tripwire(std::move(fd), std::nullopt);
    }
    auto first = read_slot(fd.get(), 0);
    auto second = read_slot(fd.get(), 1);
    if (!first && !second) {
        return Error(errors::kLogCorrupt,
                     "neither slot of " + file.string() + " is as it was written");
    }
    const bool newer_is_second = second && (!first || second->generation > first->generation);
    return Tripwire(std::move(fd), newer_is_second ? std::move(second) : std::move(first));
}

Result<void> Tripwire::write(const LogId& log_id, std::span<const TripwireMark> marks) {
    TripwireState next{.log_id = log_id,
                       .generation = state_ ? state_->generation + 1 : 1,
                       .marks = {marks.begin(), marks.end()}};
    const std::string slot = pack_tripwire(next);
    const auto at = static_cast<off_t>(next.generation % kSlots * kTripwireSlotBytes);
    const ssize_t written = ::pwrite(fd_.get(), slot.data(), slot.size(), at);
    if (written != static_cast<ssize_t>(slot.size())) {
        return file_error("write", "the tripwire");
    }
    state_ = std::move(next);
    return success();
}

}  // namespace tributary
