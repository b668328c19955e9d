// Topic patterns: MQTT topic filters whose levels may have names.
//   plant/{site}/press/{dev}/telemetry   {name} is one level, as + is
//   site/{site}/{rest#}                  {name#} is all that follows, as # is; last level only
//   plant/+/press/#                      unnamed
// Pure; any thread. MQTT 5.0 4.7.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tributary::mqtt {

class Pattern {
  public:
    // kConfigInvalid: a wildcard or name that does not fill its level, a name twice or not of
    // letters, digits and _, # before the last level, an empty pattern, a shared subscription.
    [[nodiscard]] static Result<Pattern> parse(std::string_view text);

    [[nodiscard]] const std::string& text() const { return text_; }
    // As MQTT knows it: names replaced by + and #.
    [[nodiscard]] const std::string& filter() const { return filter_; }
    [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

    // Whether `topic` matches; `captures`, as many as names(), point into `topic`. As at a broker,
    // `a/#` matches `a` too (the capture is empty), and a first wildcard level no topic that begins
    // with $.
    [[nodiscard]] bool match(std::string_view topic, std::vector<std::string_view>& captures) const;

  private:
    enum class Kind { literal, one, rest };
    struct Level {
        Kind kind = Kind::literal;
        std::string literal;
        bool named = false;
    };

    std::string text_;
    std::string filter_;
    std::vector<Level> levels_;
    std::vector<std::string> names_;
};

// Whether every topic that `narrow` matches is matched by `wide` too; both are filters.
[[nodiscard]] bool covers(std::string_view wide, std::string_view narrow);
// Whether some topic matches both filters.
[[nodiscard]] bool overlap(std::string_view left, std::string_view right);

}  // namespace tributary::mqtt
