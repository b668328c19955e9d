// NamePattern: a regular expression over names, matched against the whole of one. Perl's syntax, to
// which Java's, and so that of Debezium's lists, is closest: lookaround, "(?i)", "\Q..\E". Here
// because tables, columns and Kafka topics are chosen by the same kind of expression.
// Immutable; any thread. Specification: pcre2pattern(3).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct pcre2_real_code_8;  // pcre2.h

namespace tributary {

class NamePattern {
  public:
    static constexpr std::size_t kBytesMax = 1000;

    // kConfigInvalid: it is longer than kBytesMax, or what is wrong with it and where.
    [[nodiscard]] static Result<NamePattern> compile(std::string_view expression);
    // The first one that is none is the error.
    [[nodiscard]] static Result<std::vector<NamePattern>> compile_all(
        const std::vector<std::string>& expressions);

    // Of UTF-8; bytes that are not, match nothing. An expression that is not done with a name after
    // a million steps, as nested repetitions can be, does not match it.
    [[nodiscard]] bool matches(std::string_view name) const;

  private:
    explicit NamePattern(std::shared_ptr<const pcre2_real_code_8> code) : code_(std::move(code)) {}

    std::shared_ptr<const pcre2_real_code_8> code_;
};

// Whether one of them does.
[[nodiscard]] bool matches_any(const std::vector<NamePattern>& patterns, std::string_view name);

}  // namespace tributary
