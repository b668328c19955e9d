#include "connectors/mqtt/session/dedupe.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/planted.h"
#include "model/errors.h"

namespace tributary::mqtt {
namespace {

// Sessions that remember more than this find identifiers by place, in a table of 256 KiB; the
// others search, which only what is sent again costs.
constexpr std::size_t kSearchedMax = 4096;
constexpr std::size_t kGroupMessagesMax = 1024;
constexpr std::size_t kGroupEntryBytes = 18;

// Stored in the side keyspace: never to change.
constexpr std::uint64_t kHashFirst = 0x9E3779B97F4A7C15ULL;   // of the golden ratio
constexpr std::uint64_t kHashSecond = 0x243F6A8885A308D3ULL;  // of pi

// Both halves of a 128-bit product, folded.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ typedef unsigned __int128 Wide;  // not ISO C++
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

// Sixteen bytes a multiplication: every message is hashed.
std::uint64_t hash_bytes(std::uint64_t seed, std::string_view bytes) noexcept {
    std::uint64_t hash = fold(seed ^ kHashFirst, bytes.size() ^ kHashSecond);
    const auto take = [&hash](const char* at) {
        hash = fold(load<std::uint64_t>(at, Endian::little) ^ kHashFirst ^ hash,
                    load<std::uint64_t>(at + 8, Endian::little) ^ kHashSecond);
    };
    for (; bytes.size() >= 16; bytes.remove_prefix(16)) {
        take(bytes.data());
    }
    std::array<char, 16> tail{};
    std::copy(bytes.begin(), bytes.end(), tail.begin());
    take(tail.data());
    return hash;
}

Error corrupt(std::string_view what) {
    return {errors::kLogCorrupt, "MQTT side entry: " + std::string(what)};
}

}  // namespace

std::uint64_t message_hash(std::string_view topic, std::string_view payload) noexcept {
    return hash_bytes(hash_bytes(0, topic), payload);
}

std::string side_key(char kind, std::string_view owner) {
    std::string key(1, kind);
    append_fixed(key, static_cast<std::uint16_t>(owner.size()), Endian::big);
    key.append(owner);
    return key;
}

Result<std::string_view> side_owner(std::string_view key) {
    ByteReader reader(key);
    static_cast<void>(reader.fixed<std::uint8_t>());
    const auto owner = reader.bytes(reader.fixed<std::uint16_t>(Endian::big));
    if (!reader.ok()) {
        return corrupt("key too short");
    }
    return owner;
}

std::string Dedupe::group_key(IntakeNumber first) const {
    std::string key = side_key(kGroupKey, options_.owner);
    append_fixed(key, first, Endian::big);
    return key;
}

std::string Dedupe::identifier_key(std::uint16_t id) const {
    std::string key = side_key(kIdentifierKey, options_.owner);
    append_fixed(key, id, Endian::big);
    return key;
}

Dedupe::Known* Dedupe::find_qos1(std::uint16_t id) {
    if (places_ != nullptr) {
        const std::uint32_t index = places_[id] - forgotten_;
        return index < known1_.size() && known1_[index].id == id ? &known1_[index] : nullptr;
    }
    for (std::size_t index = known1_.size(); index-- > 0;) {
        if (known1_[index].id == id) {
            return &known1_[index];
        }
    }
    return nullptr;
}

Dedupe::Answer Dedupe::qos1(std::uint16_t id, bool dup, std::uint64_t hash) {
    if (!dup || planted::is(planted::Bug::redelivery_taken_again)) {
        return {};
    }
    Known* known = options_.suppress_qos1 ? find_qos1(id) : nullptr;
    if (known == nullptr || known->hash != hash) {
        return {.verdict = Verdict::take_maybe_again};
    }
    if (known->connection == connection_) {
        // A second PUBACK could reach the sender when the identifier stands for its next message.
        return {.verdict = Verdict::ignore, .number = known->number};
    }
    known->connection = connection_;
    return {.verdict = Verdict::answer, .number = known->number};
}

Dedupe::Answer Dedupe::qos2(std::uint16_t id, bool dup, std::uint64_t hash) {
    const auto known = known2_.find(id);
    if (known != known2_.end() && known->second.hash == hash) {
        return {.verdict = Verdict::answer, .number = known->second.number};
    }
    return {.verdict = dup ? Verdict::take_maybe_again : Verdict::take};
}

void Dedupe::remember(const Known& known) {
    const bool many = options_.remembered_max == 0 || options_.remembered_max > kSearchedMax;
    if (many && places_ == nullptr) {
        constexpr std::size_t kIdentifiers = 65'536;
        places_ = std::make_unique<std::uint32_t[]>(kIdentifiers);
    }
    if (places_ != nullptr) {
        places_[known.id] = forgotten_ + static_cast<std::uint32_t>(known1_.size());
    }
    known1_.push(known);
}

void Dedupe::qos1_taken(std::uint16_t id, std::uint64_t hash, IntakeNumber number, Step& step) {
    TRIBUTARY_ASSERT(known1_.empty() || known1_.back().number < number);
    if (!options_.suppress_qos1) {
        return;
    }
    make_room();
    if (options_.persistent && open_ == 0) {
        flush(step);
        put_side(step, group_key(number), {});
        open_change_ = step.side.size() - 1;
    }
    remember({.number = number, .hash = hash, .connection = connection_, .id = id});
    if (options_.persistent && ++open_ == kGroupMessagesMax) {
        write_group(step);
    }
}

void Dedupe::qos2_taken(std::uint16_t id, std::uint64_t hash, IntakeNumber number, Step& step) {
    known2_[id] = {.number = number, .hash = hash, .connection = connection_, .id = id};
    if (options_.persistent) {
        std::string value;
        append_fixed(value, number, Endian::big);
        append_fixed(value, hash, Endian::big);
        put_side(step, identifier_key(id), value);
    }
}

Dedupe::Release Dedupe::qos2_release(std::uint16_t id, IntakeNumber next, Step& step) {
    const bool known = known2_.erase(id) != 0;
    if (known && options_.persistent) {
        erase_side(step, identifier_key(id));
        last_release_ = next;
    }
    // An identifier that is not known may be one whose erasure is still on its way.
    return {.known = known, .number = last_release_};
}

// For one more message of QoS 1.
void Dedupe::make_room() {
    while (options_.remembered_max != 0 && known1_.size() > open_ &&
           known1_.size() >= options_.remembered_max) {
        forget_oldest();
    }
}

void Dedupe::forget_oldest() {
    const IntakeNumber number = known1_.front().number;
    known1_.pop();
    ++forgotten_;
    if (!groups_.empty() && groups_.front().last == number) {
        erasures_.push_back(groups_.front().first);
        groups_.pop();
    }
}

void Dedupe::prove_through(IntakeNumber number) {
    while (known1_.size() > open_ && known1_.front().number <= number) {
        forget_oldest();
    }
}

void Dedupe::forget(Step& step) {
    TRIBUTARY_ASSERT(open_ == 0);
    while (!known1_.empty()) {
        forget_oldest();
    }
    flush(step);
    if (options_.persistent) {
        for (const auto& [id, known] : known2_) {
            erase_side(step, identifier_key(id));
        }
    }
    known2_.clear();
}

void Dedupe::flush(Step& step) {
    for (const IntakeNumber first : erasures_) {
        erase_side(step, group_key(first));
    }
    erasures_.clear();
}

void Dedupe::write_group(Step& step) {
    std::string value;
    value.reserve(open_ * kGroupEntryBytes);
    for (std::size_t index = known1_.size() - open_; index < known1_.size(); ++index) {
        const Known& known = known1_[index];
        append_fixed(value, known.number, Endian::big);
        append_fixed(value, known.hash, Endian::big);
        append_fixed(value, known.id, Endian::big);
    }
    set_value(step, open_change_, value);
    groups_.push({.first = known1_[known1_.size() - open_].number, .last = known1_.back().number});
    open_ = 0;
}

void Dedupe::finish(Step& step) {
    if (open_ > 0) {
        write_group(step);
    }
}

Result<void> Dedupe::restore(std::string_view key,
                             std::string_view value,
                             IntakeNumber last_durable,
                             std::vector<SideWrite>& repairs) {
    TRIBUTARY_TRY(owner, side_owner(key));
    ByteReader in_key(key.substr(3 + owner.size()));
    ByteReader in_value(value);
    if (key.front() == kIdentifierKey) {
        Known known;
        known.id = in_key.fixed<std::uint16_t>(Endian::big);
        known.number = in_value.fixed<std::uint64_t>(Endian::big);
        known.hash = in_value.fixed<std::uint64_t>(Endian::big);
        if (!in_key.ok() || !in_key.at_end() || !in_value.ok() || !in_value.at_end()) {
            return corrupt("identifier of a wrong size");
        }
        known2_[known.id] = known;
        return success();
    }
    Group group;
    group.first = in_key.fixed<std::uint64_t>(Endian::big);
    std::size_t durable_bytes = 0;
    while (in_value.ok() && !in_value.at_end()) {
        Known known;
        known.number = in_value.fixed<std::uint64_t>(Endian::big);
        known.hash = in_value.fixed<std::uint64_t>(Endian::big);
        known.id = in_value.fixed<std::uint16_t>(Endian::big);
        if (!in_value.ok() || known.number > last_durable) {
            break;
        }
        if (!known1_.empty() && known1_.back().number >= known.number) {
            return corrupt("numbers that do not grow");
        }
        make_room();
        remember(known);
        group.last = known.number;
        durable_bytes = in_value.offset();
    }
    if (!in_key.ok() || !in_key.at_end() || value.size() % kGroupEntryBytes != 0) {
        return corrupt("group of a wrong size");
    }
    if (group.last != 0) {
        groups_.push(group);
    }
    if (group.last == 0) {
        repairs.push_back({std::string(key), std::nullopt});
    } else if (durable_bytes < value.size()) {
        repairs.push_back({std::string(key), std::string(value.substr(0, durable_bytes))});
    }
    return success();
}

}  // namespace tributary::mqtt
