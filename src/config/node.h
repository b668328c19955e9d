// Node: one value of a configuration file with the place it came from. A plain tree, so that no
// other file needs the YAML library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tributary::config {

struct Place {
    std::string file;
    int line = 0;  // from 1
};

struct Member;

struct Node {
    enum class Kind { null, scalar, sequence, mapping };
    Kind kind = Kind::null;
    Place place;
    std::string text;             // scalar
    bool quoted = false;          // scalar: so that "5" stays text
    std::vector<Node> items;      // sequence
    std::vector<Member> members;  // mapping, in the file's order, keys unique

    // The member of a mapping; nullptr when there is none or this is no mapping.
    [[nodiscard]] const Node* find(std::string_view key) const;
};

struct Member {
    std::string key;
    Place place;  // of the key
    Node value;
};

}  // namespace tributary::config
