// References in values: ${env:..} inside text, and the secrets behind ${env:..}, ${file:..} and
// ${cred:..}.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>

#include "config/reader.h"
#include "config/reader_body.h"

namespace tributary::config {

namespace {

constexpr std::size_t kReferenceFileBytesMax = 64U * 1024U;

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

}  // namespace

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
            if (in.bad()) {
                return std::nullopt;
            }
            content.resize(static_cast<std::size_t>(in.gcount()));
            return content;
        },
    };
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
        missing = what.starts_with('/') ? "file " + what + " cannot be read"
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
    if (value && reference->scheme != "env") {
        if (value->ends_with('\n')) {
            value->pop_back();
        }
        const std::string subject = (reference->scheme == "file" ? "file " : "credential ") + what;
        missing = value->empty() ? subject + " is empty" : subject + " is larger than 64KiB";
        if (value->empty() || value->size() > kReferenceFileBytesMax) {
            const Secret wiped(std::move(*value));
            value.reset();
        }
    }
    if (!value) {
        fail_at(node.place, name, missing);
        auto& mistakes = scope_->body->mistakes;
        if (!mistakes.empty()) {
            mistakes.back().secret = true;
        }
        return std::nullopt;
    }
    Secret secret(*value);
    const Secret wiped(std::move(*value));
    scope_->body->secrets.emplace(path(name), secret);
    return secret;
}

}  // namespace tributary::config
