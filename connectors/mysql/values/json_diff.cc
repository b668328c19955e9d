// JSON diffs: json_diff.h.
#include "connectors/mysql/values/json_diff.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/mysql/values/json_binary.h"
#include "connectors/mysql/values/row_image.h"

namespace tributary::mysql {
namespace {

enum class Operation : std::uint8_t { replace = 0, insert = 1, remove = 2 };

// A step of a path: a member of an object, or a cell of an array.
struct Leg {
    bool is_key = false;
    std::string key;
    std::size_t index = 0;
};

void append_utf8(std::string& out, std::uint32_t unit) {
    if (unit < 0x80) {
        out.push_back(static_cast<char>(unit));
    } else if (unit < 0x800) {
        out.push_back(static_cast<char>(0xC0U | unit >> 6U));
        out.push_back(static_cast<char>(0x80U | (unit & 0x3FU)));
    } else {
        out.push_back(static_cast<char>(0xE0U | unit >> 12U));
        out.push_back(static_cast<char>(0x80U | (unit >> 6U & 0x3FU)));
        out.push_back(static_cast<char>(0x80U | (unit & 0x3FU)));
    }
}

// "..." with JSON's escapes, at the start of `text`, which is moved behind it.
bool take_quoted(std::string_view& text, std::string& key) {
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    std::size_t at = 1;
    while (at < text.size() && text[at] != '"') {
        if (text[at] != '\\') {
            key.push_back(text[at++]);
            continue;
        }
        if (at + 1 >= text.size()) {
            return false;
        }
        const auto escape = kEscapes.find(text[at + 1]);
        if (escape != std::string_view::npos) {
            key.push_back(kMeanings[escape]);
            at += 2;
            continue;
        }
        std::uint32_t unit = 0;
        if (text[at + 1] != 'u' || text.size() - at < 6 ||
            std::from_chars(text.data() + at + 2, text.data() + at + 6, unit, 16).ptr !=
                text.data() + at + 6) {
            return false;
        }
        append_utf8(key, unit);
        at += 6;
    }
    if (at >= text.size()) {
        return false;
    }
    text.remove_prefix(at + 1);
    return true;
}

bool take_leg(std::string_view& path, Leg& leg) {
    if (path.starts_with('.')) {
        path.remove_prefix(1);
        leg.is_key = true;
        if (path.starts_with('"')) {
            return take_quoted(path, leg.key);
        }
        const auto end = std::min(path.find_first_of(".["), path.size());
        leg.key = path.substr(0, end);
        path.remove_prefix(end);
        return end > 0;
    }
    if (!path.starts_with('[')) {
        return false;
    }
    const char* const end = path.data() + path.size();
    const auto read = std::from_chars(path.data() + 1, end, leg.index);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != ']') {
        return false;
    }
    path.remove_prefix(static_cast<std::size_t>(read.ptr + 1 - path.data()));
    return true;
}

bool parse_path(std::string_view path, std::vector<Leg>& legs) {
    if (!path.starts_with('$')) {
        return false;
    }
    path.remove_prefix(1);
    while (!path.empty()) {
        Leg leg;
        if (legs.size() > static_cast<std::size_t>(kJsonDepthMax) || !take_leg(path, leg)) {
            return false;
        }
        legs.push_back(std::move(leg));
    }
    return true;
}

// A value that is either still in its binary form or, on a path, taken apart into its members.
struct Node {
    JsonValue raw;
    bool apart = false;
    bool object = false;
    std::vector<std::pair<std::string, std::unique_ptr<Node>>> members;  // keys only of objects
};

std::unique_ptr<Node> raw_node(const JsonValue& value) {
    auto node = std::make_unique<Node>();
    node->raw = value;
    return node;
}

bool take_apart(Node& node, JsonBudget& budget) {
    if (node.apart) {
        return true;
    }
    JsonContainer container;
    if (!container.open(node.raw, budget)) {
        return false;
    }
    node.object = container.is_object();
    for (std::size_t index = 0; index < container.count(); ++index) {
        std::string_view key;
        JsonValue value;
        if ((node.object && !container.key(index, budget, key)) || !container.value(index, value)) {
            return false;
        }
        node.members.emplace_back(key, raw_node(value));
    }
    node.apart = true;
    return true;
}

using Members = decltype(Node::members);

Members::iterator find(Node& node, const Leg& leg) {
    if (leg.is_key != node.object) {
        return node.members.end();
    }
    if (!leg.is_key) {
        const std::size_t index = std::min(leg.index, node.members.size());
        return node.members.begin() + static_cast<std::ptrdiff_t>(index);
    }
    return std::find_if(node.members.begin(), node.members.end(), [&leg](const auto& member) {
        return member.first == leg.key;
    });
}

// Keys stand shorter first, then by their bytes.
Members::iterator place_of(Node& node, const std::string& key) {
    return std::find_if(node.members.begin(), node.members.end(), [&key](const auto& member) {
        return member.first.size() != key.size() ? member.first.size() > key.size()
                                                 : member.first > key;
    });
}

bool change(Node& parent, const Leg& leg, Operation operation, const JsonValue& value) {
    const auto at = find(parent, leg);
    if (leg.is_key != parent.object) {
        return false;
    }
    if (operation == Operation::insert) {
        if (leg.is_key && at != parent.members.end()) {
            return false;
        }
        parent.members.emplace(
            leg.is_key ? place_of(parent, leg.key) : at, leg.key, raw_node(value));
        return true;
    }
    if (at == parent.members.end()) {
        return false;
    }
    if (operation == Operation::remove) {
        parent.members.erase(at);
    } else {
        at->second = raw_node(value);
    }
    return true;
}

bool apply(std::unique_ptr<Node>& root,
           const std::vector<Leg>& legs,
           Operation operation,
           const JsonValue& value,
           JsonBudget& budget) {
    if (legs.empty()) {
        root = raw_node(value);
        return operation == Operation::replace;
    }
    Node* node = root.get();
    for (std::size_t index = 0; index + 1 < legs.size(); ++index) {
        if (!take_apart(*node, budget)) {
            return false;
        }
        const auto at = find(*node, legs[index]);
        if (at == node->members.end()) {
            return false;
        }
        node = at->second.get();
    }
    return take_apart(*node, budget) && change(*node, legs.back(), operation, value);
}

bool take_sized(std::string_view& bytes, std::string_view& out) {
    std::uint64_t length = 0;
    if (!take_packed(bytes, length) || length > bytes.size()) {
        return false;
    }
    out = bytes.substr(0, static_cast<std::size_t>(length));
    bytes.remove_prefix(out.size());
    return true;
}

bool write(JsonText& out, const Node& node, JsonBudget& budget, int depth) {
    if (!node.apart) {
        return write_json(out, node.raw, budget, depth);
    }
    out.raw(node.object ? '{' : '[');
    bool first = true;
    for (const auto& [key, member] : node.members) {
        out.raw(first ? "" : ",");
        first = false;
        if (node.object) {
            out.quoted(key);
            out.raw(':');
        }
        if (!write(out, *member, budget, depth + 1)) {
            return false;
        }
    }
    out.raw(node.object ? '}' : ']');
    return true;
}

}  // namespace

bool apply_json_diffs(std::string_view before,
                      std::string_view diffs,
                      Arena& arena,
                      std::string_view& out) {
    JsonValue value;
    if (!json_root(before, value)) {
        return false;
    }
    auto root = raw_node(value);
    // What is taken apart is written as well.
    JsonBudget budget(2 * (before.size() + diffs.size()));
    std::string_view rest = diffs;
    while (!rest.empty()) {
        const auto operation = static_cast<unsigned char>(rest.front());
        rest.remove_prefix(1);
        std::string_view path;
        std::string_view binary;
        std::vector<Leg> legs;
        JsonValue with;
        if (operation > static_cast<unsigned char>(Operation::remove) || !take_sized(rest, path) ||
            !parse_path(path, legs)) {
            return false;
        }
        const auto kind = static_cast<Operation>(operation);
        if (kind != Operation::remove && (!take_sized(rest, binary) || !json_root(binary, with))) {
            return false;
        }
        if (!apply(root, legs, kind, with, budget)) {
            return false;
        }
    }
    JsonText text(arena, before.size() + diffs.size() + 64);
    if (!write(text, *root, budget, 0)) {
        return false;
    }
    out = text.finish();
    return true;
}

}  // namespace tributary::mysql
