// See special_values.h.
#include "connectors/postgresql/values/special_values.h"

#include <cstdint>
#include <cstring>

namespace tributary::postgresql {
namespace {

// hstore text (PostgreSQL 15 manual F.18.1), "key"=>"value", "key2"=>NULL, to a JSON object.
class HstoreParser {
  public:
    HstoreParser(std::string_view text, Arena& arena)
        : text_(text), begin_(arena.allocate(text.size() * kGrowth + 2)), end_(begin_) {}

    bool parse(std::string_view& out) {
        *end_++ = '{';
        while (at_ < text_.size()) {
            if (end_ != begin_ + 1) {
                *end_++ = ',';
            }
            if (!string() || !take("=>")) {
                return false;
            }
            *end_++ = ':';
            if (take("NULL")) {
                std::memcpy(end_, "null", 4);
                end_ += 4;
            } else if (!string()) {
                return false;
            }
            if (at_ < text_.size() && !take(", ")) {
                return false;
            }
        }
        *end_++ = '}';
        out = {begin_, static_cast<std::size_t>(end_ - begin_)};
        return true;
    }

  private:
    static constexpr std::size_t kGrowth = 6;  // a control character becomes \u00XX

    bool take(std::string_view word) {
        if (text_.substr(at_, word.size()) != word) {
            return false;
        }
        at_ += word.size();
        return true;
    }

    // A quoted string; in hstore a backslash makes the next character plain.
    bool string() {
        if (!take("\"")) {
            return false;
        }
        *end_++ = '"';
        while (at_ < text_.size() && text_[at_] != '"') {
            at_ += text_[at_] == '\\' ? 1U : 0U;
            if (at_ == text_.size()) {
                return false;
            }
            character(text_[at_++]);
        }
        *end_++ = '"';
        return take("\"");
    }

    void character(char c) {
        constexpr std::string_view kHex = "0123456789ABCDEF";
        constexpr std::string_view kPlain = "\"\\\b\f\n\r\t";
        constexpr std::string_view kLetters = "\"\\bfnrt";
        const auto known = kPlain.find(c);
        const auto byte = static_cast<unsigned char>(c);
        if (known != std::string_view::npos) {
            *end_++ = '\\';
            *end_++ = kLetters[known];
        } else if (byte < 0x20) {
            std::memcpy(end_, "\\u00", 4);
            end_ += 4;
            *end_++ = kHex[byte >> 4U];
            *end_++ = kHex[byte & 0xFU];
        } else {
            *end_++ = c;
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    char* begin_;
    char* end_;
};

}  // namespace

// cash_out in the locales of lc_monetary that have two fraction digits: "$1,234.11", "-1.234,11 E".
// The last point or comma is the decimal one; symbols and what groups digits are left out.
ValueFault parse_money(std::string_view text, Arena& arena, Value& out) {
    const auto point = text.find_last_of(".,");
    char* digits = arena.allocate(text.size() + 1);
    std::size_t count = 0;
    if (text.find_first_of("-(") != std::string_view::npos) {
        digits[count++] = '-';
    }
    const std::size_t sign = count;
    std::size_t fraction = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] >= '0' && text[at] <= '9') {
            digits[count++] = text[at];
            fraction += at > point && point != std::string_view::npos ? 1U : 0U;
        } else if (at == point) {
            digits[count++] = '.';
        }
    }
    out.text = {digits, count};
    return fraction == 2 && count > sign + 3 && digits[sign] != '.' ? ValueFault::none
                                                                    : ValueFault::malformed;
}

// "0101" as a number, the last digit its lowest bit: little-endian bytes without zeros at the end.
ValueFault parse_bits(std::string_view text, Arena& arena, Value& out) {
    if (text.find_first_not_of("01") != std::string_view::npos) {
        return ValueFault::malformed;
    }
    const auto first = text.find('1');
    const std::size_t bits = first == std::string_view::npos ? 0 : text.size() - first;
    const std::size_t count = (bits + 7) / 8;
    char* bytes = arena.allocate(count);
    std::memset(bytes, 0, count);
    for (std::size_t bit = 0; bit < bits; ++bit) {
        if (text[text.size() - 1 - bit] == '1') {
            bytes[bit / 8] =
                static_cast<char>(static_cast<unsigned char>(bytes[bit / 8]) | (1U << (bit % 8)));
        }
    }
    out.text = {bytes, count};
    return ValueFault::none;
}

bool hstore_to_json(std::string_view text, Arena& arena, std::string_view& json) {
    return HstoreParser(text, arena).parse(json);
}

}  // namespace tributary::postgresql
