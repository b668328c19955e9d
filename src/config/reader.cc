// Reader; see the header. What stands behind it is in document.cc, references in references.cc.
#include "config/reader.h"

#include <algorithm>

#include "base/assert.h"
#include "config/reader_body.h"
#include "config/units.h"

namespace tributary::config {

namespace {

std::string_view kind_name(Node::Kind kind) {
    switch (kind) {
        case Node::Kind::null:
            return "nothing";
        case Node::Kind::scalar:
            return "a single value";
        case Node::Kind::sequence:
            return "a list";
        case Node::Kind::mapping:
            return "a mapping";
    }
    TRIBUTARY_ASSERT(false);
}

Described described(const Key& key, Described::Type type, std::string default_text) {
    Described description;
    description.type = type;
    description.name = key.name;
    description.doc = key.doc;
    description.required = key.required;
    description.live = key.live;
    description.default_text = std::move(default_text);
    return description;
}

std::string flow_list(const std::vector<std::string>& texts) {
    std::string list;
    for (const std::string& text : texts) {
        list += (list.empty() ? "" : ", ") + text;
    }
    return texts.empty() ? "" : "[" + list + "]";
}

}  // namespace

std::string Reader::path(std::string_view name) const {
    return scope_->path + std::string(name);
}

void Reader::fail_at(const Place& place, std::string_view name, std::string_view what) {
    std::string text = path(name) + ": " + std::string(what);
    auto& mistakes = scope_->body->mistakes;
    const bool again = std::any_of(mistakes.begin(), mistakes.end(), [&](const Mistake& mistake) {
        return mistake.place.line == place.line && mistake.text == text;
    });
    if (!again && !scope_->body->describing) {
        mistakes.push_back({place, std::move(text), false});
    }
}

void Reader::fail(std::string_view name, std::string_view what) {
    const Node* node = scope_->node == nullptr ? nullptr : scope_->node->find(name);
    const Node* at = node == nullptr ? scope_->node : node;
    fail_at(at == nullptr ? scope_->body->tree.place : at->place, name, what);
}

const Node* Reader::declare(const Key& key, Described description) {
    auto& declared = scope_->declared;
    const bool again = std::any_of(declared.begin(), declared.end(), [&](const Described& member) {
        return member.name == key.name;
    });
    if (!again) {
        declared.push_back(std::move(description));
    }
    const Node* node = scope_->node == nullptr ? nullptr : scope_->node->find(key.name);
    if (node != nullptr && node->kind == Node::Kind::null) {
        node = nullptr;
    }
    if (node == nullptr && key.required) {
        fail(key.name, "is required");
    }
    return node;
}

std::optional<std::string> Reader::scalar(const Key& key, Described description) {
    const Node* node = declare(key, std::move(description));
    if (node == nullptr) {
        return std::nullopt;
    }
    if (node->kind != Node::Kind::scalar) {
        fail(key.name, "must be a single value, not " + std::string(kind_name(node->kind)));
        return std::nullopt;
    }
    return substitute(*node, key.name);
}

void Reader::text(const Key& key, std::string& out) {
    auto given = scalar(key, described(key, Described::Type::text, out));
    if (!given) {
        return;
    }
    if (given->empty() && key.required) {
        fail(key.name, "must not be empty");
        return;
    }
    out = std::move(*given);
}

void Reader::file(const Key& key, std::string& out) {
    text(key, out);
    if (!out.empty()) {
        note_file(key.name, out);
    }
}

void Reader::note_file(std::string_view name, const std::string& path) {
    scope_->body->files[this->path(name)] = path;
}

void Reader::claim(std::string_view name, const std::string& what) {
    const auto [at, first] = scope_->body->claimed.emplace(what, scope_->path);
    if (!first && at->second != scope_->path) {
        const std::string other = at->second.substr(0, at->second.size() - 1);  // without its dot
        fail(name, what + " is " + other + "'s already; each source needs its own");
    }
}

void Reader::word(const Key& key, std::string& out, std::span<const std::string_view> allowed) {
    const auto at = std::find(allowed.begin(), allowed.end(), out);
    TRIBUTARY_ASSERT(at != allowed.end());
    const auto chosen = static_cast<std::size_t>(at - allowed.begin());
    out = allowed[one_of(key, chosen, {allowed.begin(), allowed.end()})];
}

std::size_t Reader::one_of(const Key& key,
                           std::size_t chosen,
                           const std::vector<std::string_view>& names) {
    Described description = described(
        key, Described::Type::word, key.required ? std::string() : std::string(names[chosen]));
    description.allowed.assign(names.begin(), names.end());
    const auto given = scalar(key, std::move(description));
    if (!given) {
        return chosen;
    }
    const auto found = std::find(names.begin(), names.end(), *given);
    if (found == names.end()) {
        fail(key.name, quote(*given) + " is not one of " + join(names, ", "));
        return chosen;
    }
    return static_cast<std::size_t>(found - names.begin());
}

void Reader::boolean(const Key& key, bool& out) {
    const auto given =
        scalar(key, described(key, Described::Type::boolean, out ? "true" : "false"));
    if (!given) {
        return;
    }
    if (*given != "true" && *given != "false") {
        fail(key.name, quote(*given) + " is not one of true, false");
        return;
    }
    out = *given == "true";
}

std::int64_t Reader::integer(const Key& key,
                             std::int64_t value,
                             std::int64_t min,
                             std::int64_t max) {
    Described description = described(
        key, Described::Type::number, key.required ? std::string() : std::to_string(value));
    description.min = min;
    description.max = max;
    const auto given = scalar(key, std::move(description));
    if (!given) {
        return value;
    }
    const auto parsed = parse_integer(*given);
    if (!parsed || *parsed < min || *parsed > max) {
        fail(key.name,
             quote(*given) + " is not a whole number from " + std::to_string(min) + " to " +
                 std::to_string(max));
        return value;
    }
    return *parsed;
}

void Reader::size(const Key& key, std::uint64_t& out, Range<std::uint64_t> range) {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto min = static_cast<std::int64_t>(std::min(range.min, kMax));
    const auto max = static_cast<std::int64_t>(std::min(range.max, kMax));
    Described description = described(
        key, Described::Type::size, print_size(static_cast<std::int64_t>(std::min(out, kMax))));
    description.min = min;
    description.max = max;
    const auto given = scalar(key, std::move(description));
    if (!given) {
        return;
    }
    const auto parsed = parse_size(*given);
    if (!parsed) {
        fail(key.name, quote(*given) + " is not a size; write 4096, 64KiB, 8GiB or 10MB");
        return;
    }
    if (*parsed < min || *parsed > max) {
        fail(key.name,
             quote(*given) + " is not from " + print_size(min) + " to " + print_size(max));
        return;
    }
    out = static_cast<std::uint64_t>(*parsed);
}

void Reader::size(const Key& key, std::uint32_t& out, Range<std::uint32_t> range) {
    std::uint64_t wide = out;
    size(key, wide, Range<std::uint64_t>{range.min, range.max});
    out = static_cast<std::uint32_t>(wide);
}

void Reader::duration(const Key& key,
                      std::uint32_t& out,
                      TimeUnit unit,
                      Range<std::uint32_t> range) {
    const std::int64_t factor = unit == TimeUnit::seconds ? 1000 : 1;
    Described description =
        described(key, Described::Type::duration, print_duration_ms(out * factor));
    description.min = range.min * factor;
    description.max = range.max * factor;
    const std::int64_t min = *description.min;
    const std::int64_t max = *description.max;
    const auto given = scalar(key, std::move(description));
    if (!given) {
        return;
    }
    const auto parsed = parse_duration_ms(*given);
    if (!parsed) {
        fail(key.name, quote(*given) + " is not a duration; write 100ms, 5s, 2m or 1h");
        return;
    }
    if (*parsed < min || *parsed > max || *parsed % factor != 0) {
        fail(key.name,
             quote(*given) + " is not from " + print_duration_ms(min) + " to " +
                 print_duration_ms(max) + (factor > 1 ? " in whole seconds" : ""));
        return;
    }
    out = static_cast<std::uint32_t>(*parsed / factor);
}

void Reader::texts(const Key& key, std::vector<std::string>& out) {
    const Node* node = declare(key, described(key, Described::Type::texts, flow_list(out)));
    if (node == nullptr) {
        return;
    }
    if (node->kind == Node::Kind::mapping) {
        fail(key.name, "must be a list of texts, not a mapping");
        return;
    }
    std::vector<std::string> read;
    const std::span<const Node> items =
        node->kind == Node::Kind::scalar ? std::span(node, 1) : std::span(node->items);
    for (const Node& item : items) {
        if (item.kind != Node::Kind::scalar) {
            fail_at(item.place, key.name, "must be a list of texts");
            return;
        }
        auto text = substitute(item, key.name);
        if (!text) {
            return;
        }
        read.push_back(std::move(*text));
    }
    if (read.empty() && key.required) {
        fail(key.name, "must not be empty");
        return;
    }
    out = std::move(read);
}

void Reader::map(const Key& key, std::map<std::string, std::string>& out) {
    std::map<std::string, Secret> secrets;
    map(key, out, secrets, [](std::string_view) { return false; });
}

void Reader::map(const Key& key,
                 std::map<std::string, std::string>& out,
                 std::map<std::string, Secret>& secrets,
                 const std::function<bool(std::string_view name)>& is_secret) {
    const Node* node = declare(key, described(key, Described::Type::map, ""));
    if (node == nullptr) {
        return;
    }
    if (node->kind != Node::Kind::mapping) {
        fail(key.name, "must be a mapping of names to texts");
        return;
    }
    for (const Member& member : node->members) {
        const std::string name = std::string(key.name) + "." + member.key;
        if (is_secret(member.key)) {
            note_secret(key.name, member.key);
            if (auto value = resolve(member.value, name)) {
                secrets[member.key] = std::move(*value);
            }
            continue;
        }
        if (member.value.kind != Node::Kind::scalar) {
            fail_at(member.place, name, "must be a single value");
            continue;
        }
        if (auto text = substitute(member.value, name)) {
            out[member.key] = std::move(*text);
        }
    }
}

void Reader::note_secret(std::string_view name, const std::string& member) {
    for (Described& declared : scope_->declared) {
        if (declared.name == name) {
            declared.secret_names.push_back(member);
        }
    }
}

void Reader::secret(const Key& key, Secret& out) {
    const Node* node = declare(key, described(key, Described::Type::secret, ""));
    if (node == nullptr) {
        return;
    }
    if (auto value = resolve(*node, key.name)) {
        out = std::move(*value);
    }
}

Reader Reader::section(const Key& key) {
    const Node* node = declare(key, described(key, Described::Type::section, ""));
    auto& scopes = scope_->below[std::string(key.name)];
    if (scopes.empty()) {
        if (node != nullptr && node->kind != Node::Kind::mapping) {
            fail(key.name, "must be a mapping, not " + std::string(kind_name(node->kind)));
            node = nullptr;
        }
        scopes.push_back(std::make_unique<Scope>(*scope_->body, node, path(key.name) + "."));
    }
    return Reader(*scopes.front());
}

std::vector<Reader> Reader::items(const Key& key) {
    const Node* node = declare(key, described(key, Described::Type::items, ""));
    auto& scopes = scope_->below[std::string(key.name)];
    if (scopes.empty() && node != nullptr && node->kind != Node::Kind::sequence) {
        fail(key.name, "must be a list, not " + std::string(kind_name(node->kind)));
        node = nullptr;
    }
    if (scopes.empty() && node != nullptr) {
        for (const Node& item : node->items) {
            const std::string where = path(key.name) + "[" + std::to_string(scopes.size()) + "].";
            const bool mapping = item.kind == Node::Kind::mapping;
            scopes.push_back(
                std::make_unique<Scope>(*scope_->body, mapping ? &item : nullptr, where));
            if (!mapping) {
                fail_at(item.place, key.name, "must be a list of mappings");
            }
        }
    }
    if (scopes.empty() && scope_->body->describing) {
        scopes.push_back(std::make_unique<Scope>(*scope_->body, nullptr, path(key.name) + "[]."));
    }
    std::vector<Reader> readers;
    for (const auto& scope : scopes) {
        readers.push_back(Reader(*scope));
    }
    return readers;
}

std::string Reader::peek(std::string_view name) const {
    const Node* node = scope_->node == nullptr ? nullptr : scope_->node->find(name);
    return node == nullptr || node->kind != Node::Kind::scalar ? std::string() : node->text;
}

bool Reader::given(std::string_view name) const {
    const Node* node = scope_->node == nullptr ? nullptr : scope_->node->find(name);
    return node != nullptr && node->kind != Node::Kind::null;
}

void Reader::accept_unknown() {
    scope_->accepts_unknown = true;
}

Result<void> Reader::result() const {
    std::vector<Mistake> here;
    for (const Mistake& mistake : scope_->body->mistakes) {
        if (mistake.text.starts_with(scope_->path)) {
            here.push_back(mistake);
        }
    }
    return to_result(std::move(here));
}

}  // namespace tributary::config
