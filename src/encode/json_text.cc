#include "encode/json_text.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace tributary::encode {
namespace {

class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    [[nodiscard]] bool whole_text() {
        enum class Expect { value, first_value, first_name, name, after };
        std::array<bool, kJsonDepthMax> object{};
        std::size_t depth = 0;
        Expect expect = Expect::value;
        for (;;) {
            skip_space();
            if (expect == Expect::after) {
                if (depth == 0) {
                    return at_ == text_.size();
                }
                if (take(',')) {
                    expect = object[depth - 1] ? Expect::name : Expect::value;
                    continue;
                }
                if (!take(object[depth - 1] ? '}' : ']')) {
                    return false;
                }
                --depth;
                continue;
            }
            if (expect == Expect::first_name || expect == Expect::name) {
                if (expect == Expect::first_name && take('}')) {
                    --depth;
                    expect = Expect::after;
                    continue;
                }
                if (!string()) {
                    return false;
                }
                skip_space();
                if (!take(':')) {
                    return false;
                }
                expect = Expect::value;
                continue;
            }
            if (expect == Expect::first_value && take(']')) {
                --depth;
                expect = Expect::after;
                continue;
            }
            if (peek() == '{' || peek() == '[') {
                if (depth == object.size()) {
                    return false;
                }
                object[depth] = peek() == '{';
                expect = object[depth] ? Expect::first_name : Expect::first_value;
                ++depth;
                ++at_;
                continue;
            }
            if (!scalar()) {
                return false;
            }
            expect = Expect::after;
        }
    }

  private:
    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    [[nodiscard]] bool take(char c) {
        if (at_ < text_.size() && text_[at_] == c) {
            ++at_;
            return true;
        }
        return false;
    }
    [[nodiscard]] bool take(std::string_view word) {
        if (text_.substr(at_).starts_with(word)) {
            at_ += word.size();
            return true;
        }
        return false;
    }
    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' ||
                                      text_[at_] == '\n' || text_[at_] == '\r')) {
            ++at_;
        }
    }
    [[nodiscard]] bool digits() {
        const std::size_t start = at_;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
            ++at_;
        }
        return at_ > start;
    }
    [[nodiscard]] bool scalar() {
        const char c = peek();
        if (c == '"') {
            return string();
        }
        if (c == 't') {
            return take("true");
        }
        if (c == 'f') {
            return take("false");
        }
        if (c == 'n') {
            return take("null");
        }
        return number();
    }
    [[nodiscard]] bool number() {
        (void)take('-');
        if (!take('0') && !digits()) {
            return false;
        }
        if (take('.') && !digits()) {
            return false;
        }
        if (take('e') || take('E')) {
            (void)(take('+') || take('-'));
            return digits();
        }
        return true;
    }
    // Its UTF-8 was checked before.
    [[nodiscard]] bool string() {
        if (!take('"')) {
            return false;
        }
        while (at_ < text_.size()) {
            const auto byte = static_cast<unsigned char>(text_[at_++]);
            if (byte == '"') {
                return true;
            }
            if (byte < 0x20 || (byte == '\\' && !escape())) {
                return false;
            }
        }
        return false;
    }
    [[nodiscard]] bool escape() {
        if (at_ == text_.size()) {
            return false;
        }
        const char c = text_[at_++];
        if (c != 'u') {
            return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
        }
        for (int digit = 0; digit < 4; ++digit, ++at_) {
            if (std::string_view("0123456789abcdefABCDEF").find(peek()) == std::string_view::npos ||
                at_ == text_.size()) {
                return false;
            }
        }
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

// Bytes after `lead`, 0xFF when it leads nothing.
std::size_t following(unsigned char lead) {
    if (lead < 0x80) {
        return 0;
    }
    return lead >= 0xC2 && lead < 0xE0   ? 1
           : lead >= 0xE0 && lead < 0xF0 ? 2
           : lead >= 0xF0 && lead < 0xF5 ? 3
                                         : 0xFF;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<unsigned char>(text[at]);
        const std::size_t more = following(lead);
        if (more == 0) {
            ++at;
            continue;
        }
        if (more == 0xFF || text.size() - at <= more) {
            return false;
        }
        const auto second = static_cast<unsigned char>(text[at + 1]);
        const bool shortest = !(lead == 0xE0 && second < 0xA0) && !(lead == 0xF0 && second < 0x90);
        const bool allowed = !(lead == 0xED && second > 0x9F) && !(lead == 0xF4 && second > 0x8F);
        if (!shortest || !allowed) {
            return false;
        }
        for (std::size_t next = 1; next <= more; ++next) {
            if ((static_cast<unsigned char>(text[at + next]) & 0xC0U) != 0x80U) {
                return false;
            }
        }
        at += more + 1;
    }
    return true;
}

bool is_json(std::string_view text) noexcept {
    return is_utf8(text) && Scanner(text).whole_text();
}

}  // namespace tributary::encode
