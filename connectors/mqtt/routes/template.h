// Templates: text with {name} in it, where a name is a capture of the route's pattern, {topic} the
// whole MQTT topic, or {client} the device's client identifier. {{ and }} stand for braces. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tributary::mqtt {

// What names stand for in one message.
struct TemplateValues {
    std::span<const std::string_view> captures;
    std::string_view topic;
    std::string_view client;
};

class Template {
  public:
    Template() = default;
    // kConfigInvalid: a name that is none of `names`, {topic} or {client}; a brace without its
    // pair.
    [[nodiscard]] static Result<Template> parse(std::string_view text,
                                                std::span<const std::string> names);

    void render(const TemplateValues& values, std::string& out) const;
    // The same text for every message.
    [[nodiscard]] bool fixed() const;

  private:
    enum class Kind { literal, capture, topic, client };
    struct Part {
        Kind kind = Kind::literal;
        std::string literal;
        std::size_t capture = 0;
    };
    std::vector<Part> parts_;
};

}  // namespace tributary::mqtt
