#include "config/reader.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <tuple>

#include "base/assert.h"
#include "config/nearest.h"
#include "config/units.h"
#include "config/yaml.h"
#include "model/errors.h"

namespace tributary::config {

namespace {

constexpr std::size_t kReferenceFileBytesMax = 64U * 1024U;

struct Mistake {
    Place place;
    std::string text;
    bool secret = false;  // a reference that could not be resolved
};

std::string quote(std::string_view text) {
    constexpr std::size_t kShownMax = 80;
    std::string shown = "\"";
    for (const char c : text.substr(0, kShownMax)) {
        shown += static_cast<unsigned char>(c) < 0x20U ? '?' : c;
    }
    shown += text.size() > kShownMax ? "...\"" : "\"";
    return shown;
}

std::string join(std::span<const std::string_view> words, std::string_view separator) {
    std::string text;
    for (const std::string_view word : words) {
        text += text.empty() ? "" : separator;
        text += word;
    }
    return text;
}

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

// One reference, `${scheme:name}`.
struct Reference {
    std::string_view scheme;
    std::string_view name;
    std::size_t length = 0;  // of the whole reference
};

// The reference that `text` begins with.
std::optional<Reference> reference_at(std::string_view text) {
    const std::size_t end = text.find('}');
    if (!text.starts_with("${") || end == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view inner = text.substr(2, end - 2);
    const std::size_t colon = inner.find(':');
    if (colon == std::string_view::npos || colon + 1 == inner.size()) {
        return std::nullopt;
    }
    return Reference{inner.substr(0, colon), inner.substr(colon + 1), end + 1};
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

const Node* Node::find(std::string_view key) const {
    for (const Member& member : members) {
        if (member.key == key) {
            return &member.value;
        }
    }
    return nullptr;
}

Surroundings process_surroundings() {
    return {
        .variable = [](const std::string& name) -> std::optional<std::string> {
            // The environment is read before the first thread starts and never changed.
            const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
            return value == nullptr ? std::nullopt : std::optional<std::string>(value);
        },
        .file = [](const std::string& file_path) -> std::optional<std::string> {
            std::ifstream in(file_path, std::ios::binary);
            if (!in) {
                return std::nullopt;
            }
            std::string content(kReferenceFileBytesMax + 1, '\0');
            in.read(content.data(), static_cast<std::streamsize>(content.size()));
            if (in.bad() || in.gcount() > static_cast<std::streamsize>(kReferenceFileBytesMax) ||
                in.gcount() == 0) {
                return std::nullopt;
            }
            content.resize(static_cast<std::size_t>(in.gcount()));
            return content;
        },
    };
}

// What all readers of one document share.
struct Reader::Body {
    Node tree;
    Surroundings surroundings;
    bool describing = false;
    std::unique_ptr<Scope> root;
    std::vector<Mistake> mistakes;
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

    [[nodiscard]] std::vector<Described> describe() const {
        std::vector<Described> members = declared;
        for (Described& member : members) {
            const auto found = below.find(member.name);
            if (found != below.end() && !found->second.empty()) {
                member.members = found->second.front()->describe();
            }
        }
        return members;
    }

    // The keys of this mapping as YAML, each line indented by `indent`.
    void print(std::string& out, std::size_t indent) const {
        for (const Described& member : declared) {
            const Node* given = node == nullptr ? nullptr : node->find(member.name);
            given = given != nullptr && given->kind == Node::Kind::null ? nullptr : given;
            const std::string start = std::string(indent, ' ') + member.name + ":";
            const auto found = below.find(member.name);
            if (found != below.end() && member.type == Described::Type::section) {
                out += start + "\n";
                found->second.front()->print(out, indent + 2);
            } else if (found != below.end() && member.type == Described::Type::items) {
                out += start + "\n";
                for (const auto& item : found->second) {
                    const std::size_t at = out.size();
                    item->print(out, indent + 4);
                    out.replace(at + indent + 2, 1, "-");
                }
            } else if (given != nullptr) {
                out += start;
                print_given(out, *given, member, indent);
            } else if (!member.default_text.empty()) {
                out += start + " " + member.default_text + "  # default\n";
            }
        }
    }

    void collect(std::map<std::string, Document::Value>& out) const {
        for (const Described& member : declared) {
            const auto found = below.find(member.name);
            if (found != below.end()) {
                for (const auto& scope : found->second) {
                    scope->collect(out);
                }
                continue;
            }
            const Node* given = node == nullptr ? nullptr : node->find(member.name);
            std::string text;
            if (given == nullptr || given->kind == Node::Kind::null) {
                text = member.default_text;
            } else {
                append_text(text, *given);
            }
            out[path + member.name] = {std::move(text), member.live};
        }
    }

    // A flat text that differs when the value does.
    static void append_text(std::string& out, const Node& value) {
        out += value.text;
        for (const Node& item : value.items) {
            out += "\n- " + item.text;
        }
        for (const Member& entry : value.members) {
            out += "\n" + entry.key + ": " + entry.value.text;
        }
    }

    static void print_given(std::string& out,
                            const Node& given,
                            const Described& member,
                            std::size_t indent) {
        if (given.kind == Node::Kind::scalar) {
            const bool hidden = member.type == Described::Type::secret;
            out += " " + print_scalar(hidden ? "***" : given.text) + "\n";
            return;
        }
        out += "\n";
        const std::string start(indent + 2, ' ');
        for (const Node& item : given.items) {
            out += start + "- " + print_scalar(item.text) + "\n";
        }
        for (const Member& entry : given.members) {
            const bool hidden =
                std::find(member.secret_names.begin(), member.secret_names.end(), entry.key) !=
                member.secret_names.end();
            out += start + print_scalar(entry.key) + ": " +
                   print_scalar(hidden ? "***" : entry.value.text) + "\n";
        }
    }

    void find_unknown(std::vector<Mistake>& mistakes) const {
        for (const auto& [name, scopes] : below) {
            for (const auto& scope : scopes) {
                scope->find_unknown(mistakes);
            }
        }
        if (node == nullptr || accepts_unknown) {
            return;
        }
        std::vector<std::string_view> known;
        for (const Described& member : declared) {
            known.push_back(member.name);
        }
        for (const Member& member : node->members) {
            if (std::find(known.begin(), known.end(), member.key) != known.end()) {
                continue;
            }
            std::string text = "unknown key " + quote(path + member.key);
            const auto near = nearest(member.key, known);
            text += near.empty() ? "; known here: " + join(known, ", ")
                                 : "; did you mean " + quote(near) + "?";
            mistakes.push_back({member.place, std::move(text), false});
        }
    }
};

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

std::optional<std::string> Reader::substitute(const Node& node, std::string_view name) {
    std::string out;
    std::string_view rest = node.text;
    while (!rest.empty()) {
        const std::size_t dollar = std::min(rest.find('$'), rest.size());
        out += rest.substr(0, dollar);
        rest.remove_prefix(dollar);
        if (rest.starts_with("$${")) {  // an escaped "${"
            out += "${";
            rest.remove_prefix(3);
            continue;
        }
        if (!rest.starts_with("${")) {
            out += rest.substr(0, 1);
            rest.remove_prefix(std::min<std::size_t>(rest.size(), 1));
            continue;
        }
        const auto reference = reference_at(rest);
        if (!reference || reference->scheme != "env") {
            fail_at(node.place,
                    name,
                    "only ${env:NAME} can stand here (write $${ for a plain ${); ${file:..} and "
                    "${cred:..} are for passwords and keys");
            return std::nullopt;
        }
        const auto value = scope_->body->surroundings.variable(std::string(reference->name));
        if (!value) {
            fail_at(node.place,
                    name,
                    "environment variable " + std::string(reference->name) + " is not set");
            return std::nullopt;
        }
        out += *value;
        rest.remove_prefix(reference->length);
    }
    return out;
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

std::optional<Secret> Reader::resolve(const Node& node, std::string_view name) {
    const auto reference = node.kind == Node::Kind::scalar ? reference_at(node.text) : std::nullopt;
    constexpr std::array<std::string_view, 3> kSchemes{"env", "file", "cred"};
    if (!reference || reference->length != node.text.size() ||
        std::find(kSchemes.begin(), kSchemes.end(), reference->scheme) == kSchemes.end()) {
        fail_at(node.place,
                name,
                "a secret is never written here: use ${file:/path}, ${env:NAME} or ${cred:name}");
        return std::nullopt;
    }
    const Surroundings& around = scope_->body->surroundings;
    const std::string what(reference->name);
    std::optional<std::string> value;
    std::string missing;
    if (reference->scheme == "env") {
        value = around.variable(what);
        missing = "environment variable " + what + " is not set";
    } else if (reference->scheme == "file") {
        value = what.starts_with('/') ? around.file(what) : std::nullopt;
        missing = what.starts_with('/') ? "file " + what + " cannot be read, is empty or too large"
                                        : "file " + what + " must be an absolute path";
    } else {
        const auto directory = around.variable("CREDENTIALS_DIRECTORY");
        const bool plain = what.find('/') == std::string::npos && !what.starts_with('.');
        value = directory && plain ? around.file(*directory + "/" + what) : std::nullopt;
        missing = directory ? "credential " + what + " cannot be read from $CREDENTIALS_DIRECTORY"
                            : "credential " + what +
                                  " cannot be read: CREDENTIALS_DIRECTORY is not set (systemd's "
                                  "LoadCredential sets it)";
    }
    if (!value) {
        fail_at(node.place, name, missing);
        auto& mistakes = scope_->body->mistakes;
        if (!mistakes.empty()) {
            mistakes.back().secret = true;
        }
        return std::nullopt;
    }
    if (reference->scheme != "env" && value->ends_with('\n')) {
        value->pop_back();
    }
    Secret secret(*value);
    const Secret wiped(std::move(*value));
    return secret;
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

namespace {

Result<void> to_result(std::vector<Mistake> mistakes) {
    if (mistakes.empty()) {
        return success();
    }
    std::stable_sort(
        mistakes.begin(), mistakes.end(), [](const Mistake& left, const Mistake& right) {
            return std::tie(left.place.file, left.place.line) <
                   std::tie(right.place.file, right.place.line);
        });
    std::string text;
    bool only_secrets = true;
    for (const Mistake& mistake : mistakes) {
        text += text.empty() ? "" : "\n";
        text += mistake.place.file + ":" + std::to_string(mistake.place.line) + ": " + mistake.text;
        only_secrets = only_secrets && mistake.secret;
    }
    return Error(only_secrets ? errors::kSecretMissing : errors::kConfigInvalid, std::move(text));
}

}  // namespace

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

Document::Document() : body_(std::make_unique<Reader::Body>()) {
    body_->describing = true;
    body_->surroundings = {
        .variable = [](const std::string&) { return std::nullopt; },
        .file = [](const std::string&) { return std::nullopt; },
    };
    body_->root = std::make_unique<Reader::Scope>(*body_, nullptr, "");
}

Document::Document(Node root, Surroundings surroundings) : body_(std::make_unique<Reader::Body>()) {
    body_->tree = std::move(root);
    body_->surroundings = std::move(surroundings);
    body_->root = std::make_unique<Reader::Scope>(*body_, &body_->tree, "");
}

Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Reader Document::root() const {
    return Reader(*body_->root);
}

Result<void> Document::result() const {
    std::vector<Mistake> mistakes = body_->mistakes;
    body_->root->find_unknown(mistakes);
    return to_result(std::move(mistakes));
}

std::string Document::print() const {
    std::string out;
    body_->root->print(out, 0);
    return out;
}

std::map<std::string, Document::Value> Document::values() const {
    std::map<std::string, Value> out;
    body_->root->collect(out);
    return out;
}

Described Document::description() const {
    Described root;
    root.members = body_->root->describe();
    return root;
}

}  // namespace tributary::config
