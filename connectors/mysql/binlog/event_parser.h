// Reads the body of one event, each length checked; private to the parsers of events.h.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "connectors/mysql/binlog/events.h"
#include "model/errors.h"

namespace tributary::mysql {

// Remembers where the last good read ended, for the error.
class EventParser {
  public:
    EventParser(EventType type, std::string_view body) : type_(type), body_(body), reader_(body) {}

    template <std::unsigned_integral T>
    T number() {
        mark();
        return reader_.fixed<T>();
    }
    // Little-endian, 1 to 8 bytes.
    std::uint64_t wide(std::size_t count) {
        std::uint64_t value = 0;
        const std::string_view taken = bytes(count);
        for (std::size_t index = taken.size(); index > 0; --index) {
            value = value << 8U | static_cast<unsigned char>(taken[index - 1]);
        }
        return value;
    }
    std::uint64_t packed() {
        const auto first = number<std::uint8_t>();
        switch (first) {
            case 252:
                return wide(2);
            case 253:
                return wide(3);
            case 254:
                return wide(8);
            case 251:
            case 255:
                reader_.fail();
                return 0;
            default:
                return first;
        }
    }
    std::string_view bytes(std::uint64_t count) {
        mark();
        if (count > reader_.remaining()) {
            reader_.fail();
            return {};
        }
        return reader_.bytes(static_cast<std::size_t>(count));
    }
    std::string_view rest() { return bytes(reader_.remaining()); }
    void fail() { reader_.fail(); }
    std::size_t remaining() const { return reader_.remaining(); }
    std::size_t offset() const { return reader_.offset(); }
    bool ok() const { return reader_.ok(); }

    Error error(std::string_view what) const {
        return {errors::kProtocolViolation,
                to_string(type_) + ", byte offset " + std::to_string(mark_) + " of " +
                    std::to_string(body_.size()) + ": " + std::string(what)};
    }
    Error too_short() const { return error("too short or a length out of range"); }

  private:
    void mark() {
        if (reader_.ok()) {
            mark_ = reader_.offset();
        }
    }

    EventType type_;
    std::string_view body_;
    ByteReader reader_;
    std::size_t mark_ = 0;
};

}  // namespace tributary::mysql
