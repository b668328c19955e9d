// Described: what a Reader call said about one key, as data. Printed as JSON Schema and as
// Markdown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tributary::config {

struct Described {
    enum class Type {
        text,
        word,
        boolean,
        number,
        size,
        duration,
        texts,
        map,
        secret,
        section,
        items
    };
    Type type = Type::section;
    std::string name;
    std::string doc;
    bool required = false;
    bool live = false;
    std::string default_text;  // as one would write it in YAML; empty when there is none
    std::vector<std::string> allowed;
    std::optional<std::int64_t> min;  // number: as it is; size: bytes; duration: milliseconds
    std::optional<std::int64_t> max;
    std::vector<std::string> secret_names;  // map: members that are secrets, as given
    std::vector<Described> members;         // section: its keys; items: the keys of one item
};

}  // namespace tributary::config
