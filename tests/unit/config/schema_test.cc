// The published descriptions: valid, complete, and the ones in the repository are current.
#include "config/schema.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/connectors.h"

namespace tributary::config {
namespace {

std::string read(const std::string& name) {
    std::ifstream in(std::string(TRIBUTARY_SOURCE_DIR) + "/" + name);
    return {(std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>()};
}

TEST(Schema, is_json_that_refuses_unknown_keys_everywhere) {
    const auto schema = nlohmann::json::parse(json_schema(describe(agent::connectors())));
    EXPECT_EQ(schema.at("additionalProperties"), false);
    EXPECT_EQ(schema.at("required"), (nlohmann::json{"agent", "kafka", "sources"}));
    const auto& sources = schema.at("properties").at("sources").at("items").at("oneOf");
    const auto source = *std::find_if(sources.begin(), sources.end(), [](const auto& one) {
        return one.at("properties").at("type").at("const") == "postgresql";
    });
    EXPECT_EQ(source.at("additionalProperties"), false);
    EXPECT_TRUE(source.at("properties").contains("ack"));   // of every source
    EXPECT_TRUE(source.at("properties").contains("slot"));  // of the connector
    EXPECT_EQ(source.at("properties").at("connection").at("required"),
              (nlohmann::json{"dbname", "user"}));
}

TEST(Schema, every_key_has_a_description) {
    const std::function<void(const std::vector<Described>&)> walk =
        [&](const std::vector<Described>& members) {
            for (const Described& member : members) {
                EXPECT_FALSE(member.doc.empty()) << member.name;
                walk(member.members);
            }
        };
    const Description description = describe(agent::connectors());
    walk(description.root.members);
    walk(description.sources.at("postgresql").members);
}

TEST(Manual, in_the_repository_is_what_the_command_prints) {
    EXPECT_EQ(read("docs/configuration.md"), markdown(describe(agent::connectors())))
        << "run: tributary config schema --markdown > docs/configuration.md";
}

TEST(Examples, in_the_repository_are_valid) {
    const Surroundings around{
        .variable = [](const std::string& name) -> std::optional<std::string> {
            return name == "QUICKSTART_STATE" ? "/state" : "1234";
        },
        .file = [](const std::string&) { return std::optional<std::string>("secret"); }};
    for (const char* name : {"conf/tributary.yaml", "conf/quickstart.yaml"}) {
        const auto loaded = load_text(read(name), name, agent::connectors(), around);
        EXPECT_TRUE(loaded.has_value()) << loaded.error().what();
    }
}

}  // namespace
}  // namespace tributary::config
