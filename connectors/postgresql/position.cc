// Bytes of this connector's positions: position.h has the table.
#include "connectors/postgresql/position.h"

#include "base/bytes.h"

namespace tributary::postgresql {
namespace {

constexpr std::size_t kResumeBytes = 8;
constexpr std::size_t kDoneBytes = 12;
constexpr char kInSnapshot = '\1';

}  // namespace

Identity done_below(Lsn lsn) {
    return lsn.value() == 0 ? Identity{Lsn(0), 0}
                            : Identity{Lsn(lsn.value() - 1), kWholeTransaction};
}

Position encode_resume(Lsn lsn, bool in_snapshot) {
    Position out;
    append_fixed(out.bytes, lsn.value(), Endian::big);
    if (in_snapshot) {
        out.bytes.push_back(kInSnapshot);
    }
    return out;
}

void encode_done_into(Identity identity, Position& out) {
    out.bytes.resize(kDoneBytes);
    store(out.bytes.data(), identity.lsn.value(), Endian::big);
    store(out.bytes.data() + kResumeBytes, identity.ordinal, Endian::big);
}

Position encode_done(Identity identity) {
    Position out;
    encode_done_into(identity, out);
    return out;
}

bool says_in_snapshot(const Position& position) {
    return position.bytes.size() == kResumeBytes + 1 && position.bytes.back() == kInSnapshot;
}

std::optional<Lsn> decode_resume(const Position& position) {
    if (position.bytes.size() != kResumeBytes && !says_in_snapshot(position)) {
        return std::nullopt;
    }
    return Lsn(load<std::uint64_t>(position.bytes.data(), Endian::big));
}

std::optional<Identity> decode_done(const Position& position) {
    if (position.bytes.size() != kDoneBytes) {
        return std::nullopt;
    }
    return Identity{Lsn(load<std::uint64_t>(position.bytes.data(), Endian::big)),
                    load<std::uint32_t>(position.bytes.data() + kResumeBytes, Endian::big)};
}

std::string describe(const Position& position) {
    if (const auto resume = decode_resume(position)) {
        return to_string(*resume);
    }
    if (const auto done = decode_done(position)) {
        return to_string(done->lsn) + (done->ordinal == kWholeTransaction
                                           ? std::string(" whole")
                                           : " #" + std::to_string(done->ordinal));
    }
    return position.empty() ? "none" : "not a position of postgresql";
}

}  // namespace tributary::postgresql
