#include "model/name_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "model/errors.h"

namespace tributary {
namespace {

constexpr std::uint32_t kStepsMax = 1'000'000;

struct Free {
    void operator()(pcre2_match_data* data) const noexcept { pcre2_match_data_free(data); }
    void operator()(pcre2_match_context* context) const noexcept {
        pcre2_match_context_free(context);
    }
};

const PCRE2_UCHAR* units(std::string_view text) {
    return static_cast<const PCRE2_UCHAR*>(static_cast<const void*>(text.data()));
}

std::string text_of(int error) {
    std::array<PCRE2_UCHAR, 256> text{};  // longer ones are cut
    pcre2_get_error_message(error, text.data(), text.size());
    return static_cast<const char*>(static_cast<const void*>(text.data()));
}

}  // namespace

Result<NamePattern> NamePattern::compile(std::string_view expression) {
    if (expression.size() > kBytesMax) {
        return Error(errors::kConfigInvalid,
                     "a regular expression is at most " + std::to_string(kBytesMax) +
                         " bytes long, this one has " + std::to_string(expression.size()));
    }
    constexpr std::uint32_t kWholeName = PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    constexpr std::uint32_t kText = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
    int error = 0;
    std::size_t at = 0;
    pcre2_code* code = pcre2_compile(
        units(expression), expression.size(), kWholeName | kText, &error, &at, nullptr);
    if (code == nullptr) {
        return Error(errors::kConfigInvalid,
                     "\"" + std::string(expression) + "\" is not a regular expression: " +
                         text_of(error) + " (after " + std::to_string(at) + " bytes of it)");
    }
    return NamePattern(std::shared_ptr<const pcre2_code>(
        code, [](const pcre2_code* last) { pcre2_code_free(const_cast<pcre2_code*>(last)); }));
}

Result<std::vector<NamePattern>> NamePattern::compile_all(
    const std::vector<std::string>& expressions) {
    std::vector<NamePattern> out;
    out.reserve(expressions.size());
    for (const std::string& expression : expressions) {
        TRIBUTARY_TRY(pattern, compile(expression));
        out.push_back(std::move(pattern));
    }
    return out;
}

bool NamePattern::matches(std::string_view name) const {
    const std::unique_ptr<pcre2_match_data, Free> data(
        pcre2_match_data_create_from_pattern(code_.get(), nullptr));
    const std::unique_ptr<pcre2_match_context, Free> context(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(context.get(), kStepsMax);
    return pcre2_match(code_.get(), units(name), name.size(), 0, 0, data.get(), context.get()) >= 0;
}

bool matches_any(const std::vector<NamePattern>& patterns, std::string_view name) {
    return std::any_of(patterns.begin(), patterns.end(), [name](const NamePattern& each) {
        return each.matches(name);
    });
}

}  // namespace tributary
