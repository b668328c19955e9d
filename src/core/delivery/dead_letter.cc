#include "core/delivery/dead_letter.h"

#include "base/base64.h"
#include "base/crc32c.h"

namespace tributary::core {
namespace {

void append_string(std::string& out, std::string_view text) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out.push_back('"');
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (byte < 0x20) {
            out += "\\u00";
            out.push_back(kDigits[byte >> 4U]);
            out.push_back(kDigits[byte & 0xFU]);
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

void append_optional(std::string& out,
                     std::string_view name,
                     const std::optional<std::string>& bytes) {
    out += ",\"";
    out += name;
    out += "\":";
    if (bytes) {
        append_string(out, to_base64(*bytes));
    } else {
        out += "null";
    }
}

}  // namespace

std::string bounded_reason(std::string_view reason) {
    if (reason.size() <= kReasonBytesMax) {
        return std::string(reason);
    }
    constexpr std::string_view kCut = "..";
    std::size_t end = kReasonBytesMax - kCut.size();
    while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0U) == 0x80U) {
        --end;  // inside a character
    }
    return std::string(reason.substr(0, end)) + std::string(kCut);
}

std::string pack_dead_letter(const DeadLetter& letter, std::size_t bytes_max) {
    const std::string_view value =
        letter.value ? std::string_view(*letter.value) : std::string_view();
    std::string out = "{\"pipeline\":";
    append_string(out, letter.pipeline);
    out += ",\"sequence\":" + std::to_string(letter.sequence.value());
    out += ",\"sub_index\":" + std::to_string(letter.sub_index);
    out += ",\"topic\":";
    append_string(out, letter.topic);
    out += ",\"reason\":";
    append_string(out, letter.reason);
    out += ",\"value_bytes\":" + std::to_string(value.size());
    out += ",\"value_crc32c\":" + std::to_string(crc32c(0, value));
    out += ",\"identity\":";
    append_string(out, to_base64(letter.identity));
    const std::size_t key_size = letter.key ? letter.key->size() : 0;
    if (out.size() + base64_size(value.size()) + base64_size(key_size) + 64 > bytes_max) {
        return out + ",\"truncated\":true}";
    }
    append_optional(out, "key", letter.key);
    append_optional(out, "value", letter.value);
    return out + ",\"truncated\":false}";
}

}  // namespace tributary::core
