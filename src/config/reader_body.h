// What a Document holds behind its Readers. Private to src/config.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reader.h"

namespace tributary::config {

struct Mistake {
    Place place;
    std::string text;
    bool secret = false;  // a reference that could not be resolved
};

// A value as messages show it: bounded, without control characters.
[[nodiscard]] std::string quote(std::string_view text);
[[nodiscard]] std::string join(std::span<const std::string_view> words, std::string_view separator);

// What all readers of one document share.
struct Reader::Body {
    Node tree;
    Surroundings surroundings;
    bool describing = false;
    std::unique_ptr<Scope> root;
    std::vector<Mistake> mistakes;
    std::map<std::string, std::string> files;    // full name of the key -> path
    std::map<std::string, std::string> claimed;  // what -> path of the mapping
    std::map<std::string, Secret> secrets;       // full name of the key -> as it was first read
};

// One mapping: its node, and what was declared about it.
struct Reader::Scope {
    Scope(Body& owner, const Node* at, std::string where)
        : body(&owner), node(at), path(std::move(where)) {}

    Body* body;
    const Node* node;  // nullptr when the file has no such mapping
    std::string path;  // "sources[0].tables."; empty for the root
    bool accepts_unknown = false;
    std::vector<Described> declared;
    std::map<std::string, std::vector<std::unique_ptr<Scope>>, std::less<>> below;

    [[nodiscard]] std::vector<Described> describe() const;
    // The keys of this mapping as YAML, each line indented by `indent`.
    void print(std::string& out, std::size_t indent) const;
    void collect(std::map<std::string, Document::Value>& out) const;
    void find_unknown(std::vector<Mistake>& mistakes) const;
};

// The mistakes by file and line as one error; kSecretMissing when all are secrets that could not be
// read.
[[nodiscard]] Result<void> to_result(std::vector<Mistake> mistakes);

}  // namespace tributary::config
