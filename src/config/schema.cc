#include "config/schema.h"

#include <nlohmann/json.hpp>

#include <limits>

#include "base/assert.h"
#include "config/units.h"

namespace tributary::config {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kReference = "^\\$\\{(env|file|cred):[^}]+\\}$";
constexpr std::string_view kVariable = "\\$\\{env:[^}]+\\}";

// A value of its own type, or text with ${env:..} in it.
Json or_variable(Json value) {
    return {
        {"anyOf", Json::array({std::move(value), {{"type", "string"}, {"pattern", kVariable}}})}};
}

Json object_of(const std::vector<Described>& members);

Json value_of(const Described& key) {
    switch (key.type) {
        case Described::Type::text:
            return {{"type", Json::array({"string", "number", "boolean"})}};
        case Described::Type::word:
            return or_variable({{"enum", key.allowed}});
        case Described::Type::boolean:
            return or_variable({{"type", "boolean"}});
        case Described::Type::number:
            return or_variable({{"type", "integer"}, {"minimum", *key.min}, {"maximum", *key.max}});
        case Described::Type::size:
            return or_variable({{"type", Json::array({"integer", "string"})},
                                {"minimum", *key.min},
                                {"maximum", *key.max},
                                {"pattern", "^[0-9]+ ?(B|KiB|MiB|GiB|TiB|KB|MB|GB|TB)?$"}});
        case Described::Type::duration:
            return or_variable({{"type", Json::array({"integer", "string"})},
                                {"maximum", 0},
                                {"minimum", 0},
                                {"pattern", "^(0|[0-9]+ ?(ms|s|m|h|d))$"}});
        case Described::Type::texts:
            return {{"type", Json::array({"array", "string"})}, {"items", {{"type", "string"}}}};
        case Described::Type::map:
            return {
                {"type", "object"},
                {"additionalProperties", {{"type", Json::array({"string", "number", "boolean"})}}}};
        case Described::Type::secret:
            return {{"type", "string"}, {"pattern", kReference}};
        case Described::Type::section:
            return object_of(key.members);
        case Described::Type::items:
            return {{"type", "array"}, {"items", object_of(key.members)}};
    }
    TRIBUTARY_ASSERT(false);
}

Json object_of(const std::vector<Described>& members) {
    Json properties = Json::object();
    Json required = Json::array();
    for (const Described& member : members) {
        Json value = value_of(member);
        value["description"] = member.doc;
        if (!member.default_text.empty() && member.type != Described::Type::texts) {
            value["default"] = member.default_text;
        }
        properties[member.name] = std::move(value);
        if (member.required) {
            required.push_back(member.name);
        }
    }
    Json object = {{"type", "object"}, {"additionalProperties", false}};
    object["properties"] = std::move(properties);
    if (!required.empty()) {
        object["required"] = std::move(required);
    }
    return object;
}

std::string range_of(const Described& key) {
    switch (key.type) {
        case Described::Type::word: {
            std::string words;
            for (const std::string& word : key.allowed) {
                words += (words.empty() ? "`" : ", `") + word + "`";
            }
            return words;
        }
        case Described::Type::boolean:
            return "`true`, `false`";
        case Described::Type::number:
            return std::to_string(*key.min) + " to " + std::to_string(*key.max);
        case Described::Type::size:
            return *key.max == std::numeric_limits<std::int64_t>::max()
                       ? "size"
                       : print_size(*key.min) + " to " + print_size(*key.max);
        case Described::Type::duration:
            return print_duration_ms(*key.min) + " to " + print_duration_ms(*key.max);
        case Described::Type::texts:
            return "list of texts";
        case Described::Type::map:
            return "names and texts";
        case Described::Type::secret:
            return "secret reference";
        case Described::Type::text:
            return "text";
        case Described::Type::section:
        case Described::Type::items:
            return "";
    }
    TRIBUTARY_ASSERT(false);
}

void rows_of(std::string& out, const std::vector<Described>& members, const std::string& prefix) {
    for (const Described& member : members) {
        const std::string name = prefix + member.name;
        if (member.type == Described::Type::section) {
            rows_of(out, member.members, name + ".");
            continue;
        }
        if (member.type == Described::Type::items) {
            continue;
        }
        const std::string default_text =
            member.required ? "required"
                            : (member.default_text.empty() ? "" : "`" + member.default_text + "`");
        out += "| `" + name + "` | " + range_of(member) + " | " + default_text + " | " +
               member.doc + (member.live ? " A reload applies it." : "") + " |\n";
    }
}

void table_of(std::string& out, const std::vector<Described>& members, const std::string& prefix) {
    out += "| key | value | default | meaning |\n|---|---|---|---|\n";
    rows_of(out, members, prefix);
}

}  // namespace

std::string json_schema(const Description& description) {
    Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                   {"title", "Tributary configuration"}};
    schema.update(object_of(description.root.members));
    Json alternatives = Json::array();
    for (const auto& [type, item] : description.sources) {
        Json object = object_of(item.members);
        object["properties"]["type"] = {{"const", type}};
        alternatives.push_back(std::move(object));
    }
    schema["properties"]["sources"] = {
        {"type", "array"}, {"minItems", 1}, {"items", {{"oneOf", std::move(alternatives)}}}};
    return schema.dump(2) + "\n";
}

std::string markdown(const Description& description) {
    std::string out =
        "# Configuration\n\n"
        "Printed by `tributary config schema --markdown` from the declarations that read the file; "
        "do not edit "
        "it by hand.\n\n"
        "One YAML file (`/etc/tributary/tributary.yaml`, or `-c FILE`) and every `conf.d/*.yaml` "
        "beside it, in the order of their names: `sources` of all files are put end to end, other "
        "mappings are joined, and a key given twice is an error. An unknown key is an error with "
        "its file and line.\n\n"
        "- Sizes: `4096`, `64KiB`, `8GiB` (powers of 1024), `10MB` (powers of 1000).\n"
        "- Durations: `20ms`, `5s`, `2m`, `1h`, `7d`; only `0` goes without a unit.\n"
        "- `${env:NAME}` in any value is replaced by the environment variable; `$${` is a plain "
        "`${`.\n"
        "- Secrets are never written into the file. Where the table says *secret reference*, the "
        "value is `${file:/path}`, `${env:NAME}` or `${cred:name}` (systemd's LoadCredential); one "
        "line end after it is dropped.\n"
        "- A change is applied by a restart, unless its row says that a reload applies it.\n";
    for (const Described& section : description.root.members) {
        if (section.type != Described::Type::section) {
            continue;
        }
        out += "\n## " + section.name + "\n" + section.doc + "\n\n";
        table_of(out, section.members, section.name + ".");
    }
    for (const auto& [type, item] : description.sources) {
        out += "\n## sources, `type: " + type + "`\nThe keys of one item of `sources`.\n\n";
        table_of(out, item.members, "");
    }
    return out;
}

}  // namespace tributary::config
