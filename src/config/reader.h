// Reader: typed access to one mapping of the configuration. Each call both reads a key and declares
// it: name, type, default (the value `out` holds at the call), range and description. The JSON
// Schema, docs/configuration.md and the detection of unknown keys come from the same calls run over
// an empty document, so there is no second list of keys. Mistakes are collected, not thrown: read
// every key, then ask result(). One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/description.h"
#include "config/node.h"
#include "config/secret.h"

namespace tributary::config {

// Where ${env:..}, ${file:..} and ${cred:..} are looked up. Tests and fuzzers give their own.
struct Surroundings {
    // An environment variable; nullopt when it is not set.
    std::function<std::optional<std::string>(const std::string& name)> variable;
    // A whole file, or more than its first 64 KiB; nullopt when it cannot be read.
    std::function<std::optional<std::string>(const std::string& path)> file;
};

// The process's own environment and files.
[[nodiscard]] Surroundings process_surroundings();

struct Key {
    std::string_view name{};
    std::string_view doc{};  // one or two sentences for docs/configuration.md
    bool required = false;
    bool live = false;  // a reload applies it; otherwise the agent must be restarted
};

template <typename T>
struct Range {
    T min = std::numeric_limits<T>::min();
    T max = std::numeric_limits<T>::max();
};

enum class TimeUnit { milliseconds, seconds };

template <typename Enum>
using Choices = std::span<const std::pair<std::string_view, Enum>>;

class Document;

class Reader {
  public:
    // A key that is missing leaves `out` as it is, unless it is required. ${env:NAME} inside text
    // is replaced.
    void text(const Key& key, std::string& out);
    // The same, where the text is the path of a file that is read later, by a library perhaps.
    void file(const Key& key, std::string& out);
    // Text that must be one of `allowed`.
    void word(const Key& key, std::string& out, std::span<const std::string_view> allowed);
    void boolean(const Key& key, bool& out);
    // true, false or absent.
    template <typename T>
    void number(const Key& key, T& out, Range<T> range = {}) {
        static_assert(std::is_integral_v<T> && (sizeof(T) < 8 || std::is_signed_v<T>));
        out = static_cast<T>(integer(key, out, range.min, range.max));
    }
    // Bytes: 4096, 64KiB, 8GiB, 10MB.
    void size(const Key& key, std::uint64_t& out, Range<std::uint64_t> range = {});
    void size(const Key& key, std::uint32_t& out, Range<std::uint32_t> range = {});
    // 20ms, 5s, 2m, 1h; range and result in `unit`.
    void duration(const Key& key,
                  std::uint32_t& out,
                  TimeUnit unit,
                  Range<std::uint32_t> range = {});
    template <typename Enum>
    void choice(const Key& key, Enum& out, std::type_identity_t<Choices<Enum>> choices) {
        std::vector<std::string_view> names;
        std::size_t chosen = 0;
        for (const auto& [name, value] : choices) {
            chosen = value == out ? names.size() : chosen;
            names.push_back(name);
        }
        out = choices[one_of(key, chosen, names)].second;
    }
    // A sequence of texts; one text alone counts as a sequence of one.
    void texts(const Key& key, std::vector<std::string>& out);
    // A mapping of free names to texts.
    void map(const Key& key, std::map<std::string, std::string>& out);
    // The same, where the members for which `is_secret` holds must be secret references.
    void map(const Key& key,
             std::map<std::string, std::string>& out,
             std::map<std::string, Secret>& secrets,
             const std::function<bool(std::string_view name)>& is_secret);
    // Only ${file:..}, ${env:..} or ${cred:..} is accepted.
    void secret(const Key& key, Secret& out);
    // The mapping below `key`; a missing one reads as empty. The same key gives the same section
    // again.
    [[nodiscard]] Reader section(const Key& key);
    // The mappings in the sequence below `key`.
    [[nodiscard]] std::vector<Reader> items(const Key& key);

    // The text of a key that something else declares; empty when it is missing or not text.
    [[nodiscard]] std::string peek(std::string_view name) const;
    // Whether the file gives this key.
    [[nodiscard]] bool given(std::string_view name) const;
    // Adds a mistake about the value of `name`, at its line (or at the mapping's when it is
    // missing).
    void fail(std::string_view name, std::string_view what);
    // Because of `name` this file is read later.
    void note_file(std::string_view name, const std::string& path);
    // A mistake about `name` when another mapping claims the same: "slot a of db:5432".
    void claim(std::string_view name, const std::string& what);
    // Keys that nobody declares are no mistakes of this mapping.
    void accept_unknown();
    // Every mistake of this mapping and those below it so far, one per line; kSecretMissing when
    // all of them are secrets that could not be read, otherwise kConfigInvalid.
    [[nodiscard]] Result<void> result() const;

  private:
    friend class Document;
    struct Body;
    struct Scope;
    explicit Reader(Scope& scope) : scope_(&scope) {}

    // The value node of a declared key; nullptr when it is missing (and then reported if required).
    const Node* declare(const Key& key, Described description);
    // As declare(), and the value must be a scalar; its text with ${env:..} replaced.
    std::optional<std::string> scalar(const Key& key, Described description);
    std::int64_t integer(const Key& key, std::int64_t value, std::int64_t min, std::int64_t max);
    std::size_t one_of(const Key& key,
                       std::size_t chosen,
                       const std::vector<std::string_view>& names);
    std::optional<std::string> substitute(const Node& node, std::string_view name);
    std::optional<Secret> resolve(const Node& node, std::string_view name);
    // Marks a member of a map as one that print() hides.
    void note_secret(std::string_view name, const std::string& member);
    void fail_at(const Place& place, std::string_view name, std::string_view what);
    [[nodiscard]] std::string path(std::string_view name) const;

    Scope* scope_;  // owned by the Document, which outlives its readers
};

// One configuration: the parsed tree and what was declared about it. Owns what its Readers point
// to.
class Document {
  public:
    // An empty document, for descriptions.
    Document();
    Document(Node root, Surroundings surroundings);
    Document(Document&&) noexcept;
    Document& operator=(Document&&) noexcept;
    ~Document();

    [[nodiscard]] Reader root() const;
    // Every mistake so far and every key that no reader declared; in the order of the files' lines.
    [[nodiscard]] Result<void> result() const;
    // What was declared so far.
    [[nodiscard]] Described description() const;
    // Every declared key with the value given (references not resolved, secrets as ***) or its
    // default, as YAML. For `config print`.
    [[nodiscard]] std::string print() const;
    // One key's value as written (references not resolved) or its default.
    struct Value {
        std::string text;
        bool live = false;
    };
    [[nodiscard]] std::map<std::string, Value> values() const;
    // What the references of secrets stood for when they were first read, by the full name.
    [[nodiscard]] const std::map<std::string, Secret>& secrets() const;
    // The files that are read later, by the full name of the key.
    [[nodiscard]] const std::map<std::string, std::string>& files() const;

  private:
    std::unique_ptr<Reader::Body> body_;
};

}  // namespace tributary::config
