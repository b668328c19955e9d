// Document and the scopes behind its Readers: what was declared, printed, compared and not known.
#include <algorithm>
#include <iterator>
#include <tuple>

#include "config/nearest.h"
#include "config/reader.h"
#include "config/reader_body.h"
#include "config/yaml.h"
#include "model/errors.h"

namespace tributary::config {

namespace {

// A flat text that differs when the value does.
void append_text(std::string& out, const Node& value) {
    out += value.text;
    for (const Node& item : value.items) {
        out += "\n- " + item.text;
    }
    for (const Member& entry : value.members) {
        out += "\n" + entry.key + ": " + entry.value.text;
    }
}

void print_given(std::string& out, const Node& given, const Described& member, std::size_t indent) {
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

}  // namespace

const Node* Node::find(std::string_view key) const {
    for (const Member& member : members) {
        if (member.key == key) {
            return &member.value;
        }
    }
    return nullptr;
}

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

std::vector<Described> Reader::Scope::describe() const {
    std::vector<Described> members = declared;
    for (Described& member : members) {
        const auto found = below.find(member.name);
        if (found != below.end() && !found->second.empty()) {
            member.members = found->second.front()->describe();
        }
    }
    return members;
}

void Reader::Scope::print(std::string& out, std::size_t indent) const {
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

void Reader::Scope::collect(std::map<std::string, Document::Value>& out) const {
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

void Reader::Scope::find_unknown(std::vector<Mistake>& mistakes) const {
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

const std::map<std::string, Secret>& Document::secrets() const {
    return body_->secrets;
}

const std::map<std::string, std::string>& Document::files() const {
    return body_->files;
}

Described Document::description() const {
    Described root;
    root.members = body_->root->describe();
    return root;
}

}  // namespace tributary::config
