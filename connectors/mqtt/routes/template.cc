#include "connectors/mqtt/routes/template.h"

#include <algorithm>

#include "model/errors.h"

namespace tributary::mqtt {

Result<Template> Template::parse(std::string_view text, std::span<const std::string> names) {
    Template made;
    std::string literal;
    const auto bad = [&](const std::string& why) {
        return Error(errors::kConfigInvalid, "template \"" + std::string(text) + "\": " + why);
    };
    const auto end_literal = [&] {
        if (!literal.empty()) {
            made.parts_.push_back({Kind::literal, std::move(literal), 0});
            literal.clear();
        }
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if ((c == '{' || c == '}') && at + 1 < text.size() && text[at + 1] == c) {
            literal += c;
            ++at;
        } else if (c == '{') {
            const std::size_t end = text.find('}', at);
            if (end == std::string_view::npos) {
                return bad("a { without its }");
            }
            const std::string_view name = text.substr(at + 1, end - at - 1);
            end_literal();
            const auto found = std::find(names.begin(), names.end(), name);
            if (found != names.end()) {
                made.parts_.push_back(
                    {Kind::capture, {}, static_cast<std::size_t>(found - names.begin())});
            } else if (name == "topic" || name == "client") {
                made.parts_.push_back({name == "topic" ? Kind::topic : Kind::client, {}, 0});
            } else {
                return bad("{" + std::string(name) + "} is not in the pattern");
            }
            at = end;
        } else if (c == '}') {
            return bad("a } without its {");
        } else {
            literal += c;
        }
    }
    end_literal();
    return made;
}

void Template::render(const TemplateValues& values, std::string& out) const {
    for (const Part& part : parts_) {
        switch (part.kind) {
            case Kind::literal:
                out += part.literal;
                break;
            case Kind::capture:
                out += values.captures[part.capture];
                break;
            case Kind::topic:
                out += values.topic;
                break;
            case Kind::client:
                out += values.client;
                break;
        }
    }
}

bool Template::fixed() const {
    return std::all_of(
        parts_.begin(), parts_.end(), [](const Part& part) { return part.kind == Kind::literal; });
}

}  // namespace tributary::mqtt
