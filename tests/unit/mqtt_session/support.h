// Bytes for the MQTT tests: hexadecimal text in, packets out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "connectors/mqtt/codec/codec.h"

namespace tributary::mqtt::test {

// "30 03 'a' 00" : two hexadecimal digits a byte; 'text' stands for itself; spaces are skipped.
inline std::string bytes(std::string_view text) {
    std::string out;
    const auto digit = [](char c) {
        return static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    };
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == ' ') {
            ++at;
        } else if (text[at] == '\'') {
            const auto end = text.find('\'', at + 1);
            out.append(text.substr(at + 1, end - at - 1));
            at = end + 1;
        } else {
            out.push_back(static_cast<char>(digit(text[at]) << 4U | digit(text[at + 1])));
            at += 2;
        }
    }
    return out;
}

inline std::string hex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        out.push_back(kDigits[static_cast<unsigned char>(c) >> 4U]);
        out.push_back(kDigits[static_cast<unsigned char>(c) & 0xFU]);
    }
    return out;
}

// The one packet in `wire`, which must outlive the result.
inline CodecResult<Packet> decode_one(std::string_view wire, Version version) {
    auto frame = next_frame(wire, kPacketBytesMax);
    if (frame.has_error()) {
        return std::move(frame).error();
    }
    TRIBUTARY_ASSERT(frame.value() && frame.value()->bytes.size() == wire.size());
    return decode(*frame.value(), version);
}

template <typename P>
std::string encoded(const P& packet, Version version) {
    std::string out;
    encode(Packet(packet), version, out);
    return out;
}

// All packets in `wire`, in hexadecimal, one a string.
inline std::vector<std::string> split(std::string_view wire) {
    std::vector<std::string> packets;
    while (!wire.empty()) {
        const auto frame = next_frame(wire, kPacketBytesMax);
        TRIBUTARY_ASSERT(frame.has_value() && frame.value());
        packets.push_back(hex(frame.value()->bytes));
        wire.remove_prefix(frame.value()->bytes.size());
    }
    return packets;
}

}  // namespace tributary::mqtt::test
