// Inside the codec: a cursor over one packet that remembers the first thing wrong, and the
// properties of MQTT 5.0 2.2.2. Not for use outside connectors/mqtt/codec.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/mqtt/codec/codec.h"

namespace tributary::mqtt::wire {

// Bit n: property n may occur.
using PropertySet = std::uint64_t;

template <typename... Ids>
constexpr PropertySet property_set(Ids... ids) {
    return (... | (PropertySet{1} << static_cast<unsigned>(ids)));
}

class Cursor {
  public:
    explicit Cursor(const Frame& frame) : bytes_(frame.bytes), at_(frame.body_at) {
        error_.header = frame.header();
    }

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] const CodecError& error() const { return error_; }
    [[nodiscard]] std::size_t remaining() const { return bytes_.size() - at_; }
    [[nodiscard]] std::size_t at() const { return at_; }
    [[nodiscard]] std::string_view since(std::size_t begin) const {
        return bytes_.substr(begin, at_ - begin);
    }

    // Only the first failure counts; afterwards every read gives zero or empty.
    void fail(ReasonCode reason, const char* what, std::size_t at) {
        if (ok_) {
            ok_ = false;
            error_.reason = reason;
            error_.what = what;
            error_.offset = static_cast<std::uint32_t>(at);
        }
        at_ = bytes_.size();
    }
    void malformed(const char* what, std::size_t at) {
        fail(ReasonCode::malformed_packet, what, at);
    }
    void protocol_error(const char* what, std::size_t at) {
        fail(ReasonCode::protocol_error, what, at);
    }
    // Where `holds` does not.
    void require(bool holds, const char* what) {
        if (!holds) {
            malformed(what, at_);
        }
    }

    [[nodiscard]] std::uint8_t u8(const char* what) {
        return static_cast<std::uint8_t>(fixed<std::uint8_t>(what));
    }
    [[nodiscard]] std::uint16_t u16(const char* what) { return fixed<std::uint16_t>(what); }
    [[nodiscard]] std::uint32_t u32(const char* what) { return fixed<std::uint32_t>(what); }
    // MQTT 5.0 1.5.5: at most four bytes, in the shortest form.
    [[nodiscard]] std::uint32_t variable(const char* what);
    [[nodiscard]] std::string_view take(std::size_t count, const char* what) {
        if (remaining() < count) {
            malformed(what, at_);
            return {};
        }
        const auto view = bytes_.substr(at_, count);
        at_ += count;
        return view;
    }
    [[nodiscard]] std::string_view rest() { return take(remaining(), ""); }
    // 1.5.6 binary data, 1.5.4 UTF-8 string.
    [[nodiscard]] std::string_view binary(const char* what) { return take(u16(what), what); }
    [[nodiscard]] std::string_view text(const char* what);
    // Never 0 (2.2.1).
    [[nodiscard]] std::uint16_t packet_id();

    // Nothing may be left.
    void finish() {
        if (ok_ && remaining() != 0) {
            malformed("bytes behind the packet's end", at_);
        }
    }

  private:
    template <std::unsigned_integral T>
    T fixed(const char* what) {
        if (remaining() < sizeof(T)) {
            malformed(what, at_);
            return 0;
        }
        const T value = load<T>(bytes_.data() + at_, Endian::big);
        at_ += sizeof(T);
        return value;
    }

    std::string_view bytes_;
    std::size_t at_;
    bool ok_ = true;
    CodecError error_;
};

// Which properties each packet may have (MQTT 5.0 2.2.2.2).
extern const PropertySet kConnectProperties;
extern const PropertySet kConnackProperties;
extern const PropertySet kPublishProperties;
extern const PropertySet kWillProperties;
extern const PropertySet kAckProperties;  // PUBACK to PUBCOMP, SUBACK, UNSUBACK
extern const PropertySet kSubscribeProperties;
extern const PropertySet kUnsubscribeProperties;
extern const PropertySet kDisconnectProperties;
extern const PropertySet kAuthProperties;

// Reads length and properties. Errors: malformed; a property that the packet does not have, has
// twice, or with a value that is not allowed (protocol error).
void read_properties(Cursor& cursor,
                     PropertySet allowed,
                     bool several_identifiers,
                     Properties& out);

// Appends length and properties.
void append_properties(const Properties& properties, std::string& out);

void append_variable(std::string& out, std::uint32_t value);
void append_text(std::string& out, std::string_view text);

// Appends a body whose length is written in front of it when it is known.
class LengthMark {
  public:
    explicit LengthMark(std::string& out) : out_(out), at_(out.size()) { out_.append(4, '\0'); }
    void close();

  private:
    std::string& out_;
    std::size_t at_;
};

}  // namespace tributary::mqtt::wire
