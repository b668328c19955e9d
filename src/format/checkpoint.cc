// Checkpoint bytes: one JSON object in a fixed key order. What does not pack back to the very same
// bytes was not written by us and is refused. Pure, any thread. docs/log-format.md, "Checkpoint".
#include "format/checkpoint.h"

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/base64.h"
#include "model/errors.h"

namespace tributary::format {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kCheckpointBytesMax = 1U << 20U;

[[nodiscard]] bool log_id_from_hex(std::string_view text, LogId& id) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    if (text.size() != 2 * id.bytes.size()) {
        return false;
    }
    for (std::size_t index = 0; index < id.bytes.size(); ++index) {
        const std::size_t high = kDigits.find(text[2 * index]);
        const std::size_t low = kDigits.find(text[2 * index + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) {
            return false;
        }
        id.bytes[index] = static_cast<std::uint8_t>(high << 4U | low);
    }
    return true;
}

// Members of the object with the type they must have; the first that has not makes ok() false.
class Members {
  public:
    explicit Members(const Json& object) : object_(object) {}
    [[nodiscard]] bool ok() const { return ok_; }

    [[nodiscard]] std::string text(const char* name) {
        const auto member = object_.find(name);
        if (member == object_.end() || !member->is_string()) {
            ok_ = false;
            return {};
        }
        return member->get<std::string>();
    }

    [[nodiscard]] std::uint64_t number(const char* name) {
        const auto member = object_.find(name);
        if (member == object_.end() || !member->is_number_unsigned()) {
            ok_ = false;
            return 0;
        }
        return member->get<std::uint64_t>();
    }

    [[nodiscard]] std::int64_t signed_number(const char* name) {
        const auto member = object_.find(name);
        if (member == object_.end() || !member->is_number_integer()) {
            ok_ = false;
            return 0;
        }
        return member->get<std::int64_t>();
    }

    [[nodiscard]] Position position(const char* name) {
        auto bytes = from_base64(text(name));
        ok_ = bytes.has_value() && ok_;
        return {bytes ? std::move(*bytes) : std::string()};
    }

    [[nodiscard]] LogId log_id(const char* name) {
        LogId id;
        ok_ = log_id_from_hex(text(name), id) && ok_;
        return id;
    }

  private:
    const Json& object_;
    bool ok_ = true;
};

[[nodiscard]] Error invalid(std::string_view bytes, std::string_view why) {
    return {errors::kCheckpointInvalid,
            "a checkpoint of " + std::to_string(bytes.size()) + " bytes: " + std::string(why)};
}

}  // namespace

std::string pack_checkpoint(const Checkpoint& checkpoint) {
    Json object = {
        {"format", checkpoint.block_crc == 0 ? 1 : kCheckpointFormat},
        {"pipeline", checkpoint.pipeline},
        {"log_id", to_string(checkpoint.log_id)},
        {"agent_version", checkpoint.agent_version},
        {"source_identity", checkpoint.source_identity},
        {"resume", to_base64(checkpoint.resume.bytes)},
        {"done", to_base64(checkpoint.done.bytes)},
        {"first", checkpoint.first.value()},
        {"last", checkpoint.last.value()},
        {"previous_last", checkpoint.previous_last.value()},
        {"record_count", checkpoint.record_count},
        {"chain_crc", checkpoint.chain_crc},
    };
    if (checkpoint.block_crc != 0) {
        object["block_crc"] = checkpoint.block_crc;
    }
    object["wall_time_us"] = checkpoint.wall_time_us;
    return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Checkpoint> unpack_checkpoint(std::string_view bytes) {
    if (bytes.size() > kCheckpointBytesMax) {
        return invalid(bytes, "longer than any that we write");
    }
    const Json object = Json::parse(bytes, nullptr, false);
    if (!object.is_object()) {
        return invalid(bytes, "not one JSON object");
    }
    const auto format = object.find("format");
    if (format == object.end() || !format->is_number_unsigned()) {
        return invalid(bytes, "it names no format");
    }
    if (format->get<std::uint64_t>() > static_cast<std::uint64_t>(kCheckpointFormat)) {
        return Error(errors::kCheckpointTooNew,
                     "the checkpoint has format " + std::to_string(format->get<std::uint64_t>()) +
                         ", this agent reads up to " + std::to_string(kCheckpointFormat));
    }
    Members members(object);
    Checkpoint checkpoint;
    checkpoint.pipeline = members.text("pipeline");
    checkpoint.log_id = members.log_id("log_id");
    checkpoint.agent_version = members.text("agent_version");
    checkpoint.source_identity = members.text("source_identity");
    checkpoint.resume = members.position("resume");
    checkpoint.done = members.position("done");
    checkpoint.first = Sequence(members.number("first"));
    checkpoint.last = Sequence(members.number("last"));
    checkpoint.previous_last = Sequence(members.number("previous_last"));
    checkpoint.record_count = members.number("record_count");
    checkpoint.chain_crc = static_cast<std::uint32_t>(members.number("chain_crc"));
    if (format->get<std::uint64_t>() >= 2) {
        checkpoint.block_crc = static_cast<std::uint32_t>(members.number("block_crc"));
    }
    checkpoint.wall_time_us = members.signed_number("wall_time_us");
    if (!members.ok()) {
        return invalid(bytes, "a member is missing or has another type");
    }
    if (pack_checkpoint(checkpoint) != bytes) {
        return invalid(bytes, "not the bytes that this agent writes for it");
    }
    return checkpoint;
}

}  // namespace tributary::format
