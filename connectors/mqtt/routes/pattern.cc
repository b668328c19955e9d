#include "connectors/mqtt/routes/pattern.h"

#include <algorithm>

#include "model/errors.h"

namespace tributary::mqtt {
namespace {

// Levels of a topic or filter, one after the other.
class Levels {
  public:
    explicit Levels(std::string_view text) : rest_(text) {}

    [[nodiscard]] bool next(std::string_view& level) {
        if (ended_) {
            return false;
        }
        const std::size_t end = rest_.find('/');
        level = rest_.substr(0, end);
        ended_ = end == std::string_view::npos;
        rest_ = ended_ ? std::string_view() : rest_.substr(end + 1);
        return true;
    }
    // What next() has not given yet.
    [[nodiscard]] std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
    bool ended_ = false;
};

bool is_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    });
}

Error bad(std::string_view pattern, std::string_view why) {
    return {errors::kConfigInvalid,
            "topic pattern \"" + std::string(pattern) + "\": " + std::string(why)};
}

}  // namespace

Result<Pattern> Pattern::parse(std::string_view text) {
    if (text.empty() || text.size() > 65'535 || text.starts_with("$share/")) {
        return bad(text, "must be a topic filter, and no shared subscription");
    }
    Pattern pattern;
    pattern.text_ = text;
    Levels levels(text);
    for (std::string_view level; levels.next(level);) {
        if (!pattern.levels_.empty() && pattern.levels_.back().kind == Kind::rest) {
            return bad(text, "# and {name#} stand last");
        }
        Level made;
        if (level.size() >= 2 && level.front() == '{' && level.back() == '}') {
            std::string_view name = level.substr(1, level.size() - 2);
            made.kind = name.ends_with('#') ? Kind::rest : Kind::one;
            name = name.substr(0, name.size() - (made.kind == Kind::rest ? 1 : 0));
            if (!is_name(name)) {
                return bad(text, "a name is made of letters, digits and _");
            }
            if (std::find(pattern.names_.begin(), pattern.names_.end(), name) !=
                pattern.names_.end()) {
                return bad(text, "a name stands once");
            }
            made.named = true;
            pattern.names_.emplace_back(name);
        } else if (level == "+" || level == "#") {
            made.kind = level == "+" ? Kind::one : Kind::rest;
        } else if (level.find_first_of("+#{}") != std::string_view::npos) {
            return bad(text, "+, # and {name} fill a whole level");
        } else {
            made.literal = level;
        }
        pattern.filter_ += pattern.levels_.empty() ? "" : "/";
        pattern.filter_ += made.kind == Kind::literal ? level : made.kind == Kind::one ? "+" : "#";
        pattern.levels_.push_back(std::move(made));
    }
    return pattern;
}

bool Pattern::match(std::string_view topic, std::vector<std::string_view>& captures) const {
    captures.clear();
    if (topic.starts_with('$') && levels_.front().kind != Kind::literal) {
        return false;
    }
    Levels levels(topic);
    for (const Level& expected : levels_) {
        if (expected.kind == Kind::rest) {
            if (expected.named) {
                captures.push_back(levels.rest());
            }
            return true;
        }
        std::string_view level;
        if (!levels.next(level) || (expected.kind == Kind::literal && level != expected.literal)) {
            return false;
        }
        if (expected.named) {
            captures.push_back(level);
        }
    }
    std::string_view more;
    return !levels.next(more);
}

bool covers(std::string_view wide, std::string_view narrow) {
    if (narrow.starts_with('$') && (wide.starts_with('+') || wide.starts_with('#'))) {
        return false;
    }
    Levels wides(wide);
    Levels narrows(narrow);
    std::string_view left;
    std::string_view right;
    for (;;) {
        const bool more_wide = wides.next(left);
        const bool more_narrow = narrows.next(right);
        if (more_wide && left == "#") {
            return true;
        }
        if (!more_wide || !more_narrow) {
            return more_wide == more_narrow;
        }
        if (right == "#" || (left != "+" && left != right)) {
            return false;
        }
    }
}

bool overlap(std::string_view left, std::string_view right) {
    const auto hidden = [](std::string_view one, std::string_view other) {
        return one.starts_with('$') && (other.starts_with('+') || other.starts_with('#'));
    };
    if (hidden(left, right) || hidden(right, left)) {
        return false;
    }
    Levels lefts(left);
    Levels rights(right);
    std::string_view one;
    std::string_view other;
    for (;;) {
        const bool more_left = lefts.next(one);
        const bool more_right = rights.next(other);
        if ((more_left && one == "#") || (more_right && other == "#")) {
            return true;
        }
        if (!more_left || !more_right) {
            return more_left == more_right;
        }
        if (one != "+" && other != "+" && one != other) {
            return false;
        }
    }
}

}  // namespace tributary::mqtt
