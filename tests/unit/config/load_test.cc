// What is accepted, and the exact words for what is not.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "agent/connectors.h"
#include "config/loaded.h"
#include "config/yaml.h"
#include "model/errors.h"

namespace tributary::config {
namespace {

// Names and files as given, nothing of the real process.
Surroundings given(std::map<std::string, std::string> variables,
                   std::map<std::string, std::string> files = {}) {
    const auto look_up = [](std::map<std::string, std::string> known) {
        return [known = std::move(known)](const std::string& name) -> std::optional<std::string> {
            const auto found = known.find(name);
            return found == known.end() ? std::nullopt : std::optional(found->second);
        };
    };
    return {.variable = look_up(std::move(variables)), .file = look_up(std::move(files))};
}

constexpr std::string_view kSmall = R"(agent: {id: gw-17}
kafka: {bootstrap_servers: ["k:9092"]}
sources:
  - name: plant
    type: postgresql
    connection: {dbname: plant, user: tributary, password: "${env:PW}"}
    slot: s
    publication: p
    topics: {prefix: plant}
)";

Result<Loaded> load_small(std::string_view more) {
    return load_text(std::string(kSmall) + std::string(more),
                     "t.yaml",
                     agent::connectors(),
                     given({{"PW", "x"}}));
}

std::string mistakes(std::string_view text, const Surroundings& around = given({})) {
    const auto loaded = load_text(text, "t.yaml", agent::connectors(), around);
    return loaded.has_value() ? "" : loaded.error().what();
}

// The small configuration with one text replaced by another.
std::string changed(std::string_view from, std::string_view to) {
    std::string text(kSmall);
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return mistakes(text, given({{"PW", "x"}}));
}

TEST(Load, the_least_that_is_needed_gets_the_documented_defaults) {
    const auto loaded = load_small("");
    ASSERT_TRUE(loaded.has_value()) << loaded.error().what();
    const AgentConfig& config = loaded.value().config;
    EXPECT_EQ(config.agent.id, "gw-17");
    EXPECT_EQ(config.agent.state_dir, "/var/lib/tributary");
    EXPECT_EQ(config.buffer.max_bytes, 8ULL << 30U);
    EXPECT_EQ(config.buffer.durability, Durability::power);
    ASSERT_EQ(config.sources.size(), 1U);
    EXPECT_EQ(config.sources[0].ack, Ack::automatic);
    EXPECT_EQ(config.sources[0].cut.bytes, 6U << 20U);
    EXPECT_EQ(config.sources[0].topics.prefix, "plant");
    EXPECT_TRUE(config.sources[0].topics.tombstones);
}

TEST(Load, values_with_units_and_words_are_read) {
    const auto loaded = load_small(
        "buffer: {max_bytes: 64MiB, min_free_disk: 100MB, durability: process}\n"
        "logging: {level: debug, format: json}\n");
    ASSERT_TRUE(loaded.has_value()) << loaded.error().what();
    const AgentConfig& config = loaded.value().config;
    EXPECT_EQ(config.buffer.max_bytes, 64ULL << 20U);
    EXPECT_EQ(config.buffer.min_free_disk, 100'000'000ULL);
    EXPECT_EQ(config.buffer.durability, Durability::process);
    EXPECT_EQ(config.logging.level, LogLevel::debug);
    EXPECT_EQ(config.logging.format, LogFormat::json);
}

TEST(Load, every_mistake_is_named_with_its_line_at_once) {
    EXPECT_EQ(mistakes("agent: {id: 'a.b'}\n"
                       "bufer: {max_bytes: 8GiB}\n"
                       "buffer:\n"
                       "  max_bytes: 8gigs\n"
                       "  durabilty: power\n"
                       "  durability: fast\n"
                       "kafka: {bootstrap_servers: []}\n"
                       "sources: []\n"),
              "t.yaml:1: agent.id: \"a.b\" is not a name: letters, digits, _ and -, at most 64\n"
              "t.yaml:2: unknown key \"bufer\"; did you mean \"buffer\"?\n"
              "t.yaml:4: buffer.max_bytes: \"8gigs\" is not a size; write 4096, 64KiB, 8GiB or "
              "10MB\n"
              "t.yaml:5: unknown key \"buffer.durabilty\"; did you mean \"durability\"?\n"
              "t.yaml:6: buffer.durability: \"fast\" is not one of power, process\n"
              "t.yaml:7: kafka.bootstrap_servers: must not be empty\n"
              "t.yaml:8: sources: names no source");
}

TEST(Load, an_unknown_key_without_a_near_name_lists_those_there_are) {
    EXPECT_EQ(changed("agent: {id: gw-17}", "agent: {id: gw-17, colour: red}"),
              "t.yaml:1: unknown key \"agent.colour\"; known here: id, state_dir");
}

TEST(Load, keys_of_the_connector_and_of_every_source_are_one_set) {
    EXPECT_EQ(changed("slot: s", "slot: s\n    publicaton: q"),
              "t.yaml:8: unknown key \"sources[0].publicaton\"; did you mean \"publication\"?");
    EXPECT_EQ(changed("slot: s", "slot: s\n    ack: buffered\n    create_slot: false"), "");
}

TEST(Load, required_keys_are_named_where_they_should_be) {
    EXPECT_EQ(mistakes(""),
              "t.yaml:1: agent: is required\n"
              "t.yaml:1: agent.id: is required\n"
              "t.yaml:1: kafka: is required\n"
              "t.yaml:1: kafka.bootstrap_servers: is required\n"
              "t.yaml:1: sources: is required");
    EXPECT_EQ(changed("    slot: s\n", ""), "t.yaml:4: sources[0].slot: is required");
}

TEST(Load, numbers_outside_their_range_are_refused_with_the_range) {
    EXPECT_EQ(changed("{dbname:", "{port: 65536, dbname:"),
              "t.yaml:6: sources[0].connection.port: \"65536\" is not a whole number from 1 to "
              "65535");
    EXPECT_EQ(changed("{dbname:", "{port: 65535, dbname:"), "");
    EXPECT_EQ(changed("slot: s", "slot: s\n    nap: 101ms"),
              "t.yaml:8: sources[0].nap: \"101ms\" is not from 0 to 100ms");
    EXPECT_EQ(changed("slot: s", "slot: s\n    nap: 100ms"), "");
    EXPECT_EQ(changed("{dbname:", "{connect_timeout: 2500ms, dbname:"),
              "t.yaml:6: sources[0].connection.connect_timeout: \"2500ms\" is not from 2s to 5m in "
              "whole seconds");
}

TEST(Load, modes_of_snapshots_are_those_that_are_built) {
    EXPECT_EQ(changed("slot: s", "slot: s\n    snapshot: {mode: configuration_based}"),
              "t.yaml:8: sources[0].snapshot.mode: \"configuration_based\" is not one of no_data, "
              "initial, initial_only, always, when_needed");
    for (const char* mode : {"no_data", "initial", "initial_only", "always", "when_needed"}) {
        EXPECT_EQ(changed("slot: s", std::string("slot: s\n    snapshot: {mode: ") + mode + "}"),
                  "");
    }
}

TEST(Load, an_unknown_type_is_named_without_noise_about_its_keys) {
    const std::string what = changed("type: postgresql", "type: oracle");
    EXPECT_TRUE(what.starts_with("t.yaml:5: sources[0].type: \"oracle\" is not one of ")) << what;
    EXPECT_EQ(what.find('\n'), std::string::npos) << "one mistake";
}

TEST(Load, two_sources_of_one_name_are_refused) {
    std::string text(kSmall);
    text += text.substr(text.find("  - name"));
    text.replace(text.rfind("slot: s"), 7, "slot: t");
    EXPECT_EQ(mistakes(text, given({{"PW", "x"}})),
              "t.yaml:10: sources[1].name: \"plant\" names another source already");
}

TEST(Load, the_admin_api_leaves_this_machine_with_tls_and_a_token_only) {
    const auto listen = [](std::string_view address, std::string_view more = "") {
        return changed("agent: {id: gw-17}",
                       "agent: {id: gw-17}\nadmin: {listen: ['" + std::string(address) + "']" +
                           std::string(more) + "}");
    };
    EXPECT_EQ(listen("unix:/run/a.sock"), "");
    EXPECT_EQ(listen("127.0.0.1:7070"), "");
    EXPECT_EQ(listen("[::1]:7070"), "");
    for (const char* address : {"0.0.0.0:7070", "10.0.0.1:80", "unix:a.sock", "127.0.0.1", ":80"}) {
        EXPECT_NE(listen(address), "") << address;
    }
    constexpr std::string_view kTls = ", tls: {cert: /c.pem, key: /k.pem}";
    constexpr std::string_view kToken = ", token: \"${env:PW}\"";
    EXPECT_EQ(listen("0.0.0.0:7071", std::string(kTls) + std::string(kToken)), "");
    EXPECT_NE(listen("0.0.0.0:7071", kTls), "");
    EXPECT_NE(listen("0.0.0.0:7071", kToken), "");
    EXPECT_NE(listen("127.0.0.1:7070", ", tls: {cert: /c.pem}"), "");
    EXPECT_NE(listen("gw.example:7071", std::string(kTls) + std::string(kToken)), "");
}

TEST(Secrets, come_only_from_references) {
    const auto password = [](std::string_view text) { return changed("\"${env:PW}\"", text); };
    const std::string never =
        "t.yaml:6: sources[0].connection.password: a secret is never written here: use "
        "${file:/path}, ${env:NAME} or ${cred:name}";
    EXPECT_EQ(password("hunter2"), never);
    EXPECT_EQ(password("\"x${env:PW}\""), never);
    EXPECT_EQ(password("\"${env:PW}x\""), never);
    EXPECT_EQ(password("\"${vault:PW}\""), never);
    EXPECT_EQ(password("\"${env:PW}\""), "");
    EXPECT_EQ(password("\"${file:secrets}\""),
              "t.yaml:6: sources[0].connection.password: file secrets must be an absolute path");
}

TEST(Secrets, are_found_in_variables_files_and_credentials) {
    const auto read = [](std::string_view reference, const Surroundings& around) {
        std::string text(kSmall);
        text.replace(text.find("${env:PW}"), 9, reference);
        const auto loaded = load_text(text, "t.yaml", agent::connectors(), around);
        if (!loaded.has_value()) {
            return std::string(loaded.error().kind().name);
        }
        Secret secret;
        loaded.value()
            .source(0)
            .section({.name = "connection"})
            .secret({.name = "password"}, secret);
        return secret.reveal();
    };
    EXPECT_EQ(read("${env:A}", given({{"A", "one"}})), "one");
    EXPECT_EQ(read("${env:B}", given({{"A", "one"}})), "secret_missing");
    EXPECT_EQ(read("${file:/etc/pw}", given({}, {{"/etc/pw", "two\n"}})), "two");
    EXPECT_EQ(read("${file:/etc/qw}", given({}, {{"/etc/pw", "two\n"}})), "secret_missing");
    EXPECT_EQ(read("${cred:pw}", given({{"CREDENTIALS_DIRECTORY", "/c"}}, {{"/c/pw", "three"}})),
              "three");
    EXPECT_EQ(read("${cred:pw}", given({}, {{"/c/pw", "three"}})), "secret_missing");
    EXPECT_EQ(read("${cred:../pw}", given({{"CREDENTIALS_DIRECTORY", "/c"}}, {{"/c/../pw", "x"}})),
              "secret_missing");
}

TEST(Secrets, never_appear_in_print_or_in_a_stream) {
    const auto loaded =
        load_text(std::string(kSmall), "t.yaml", agent::connectors(), given({{"PW", "hunter2"}}));
    ASSERT_TRUE(loaded.has_value());
    const std::string printed = loaded.value().print();
    EXPECT_EQ(printed.find("hunter2"), std::string::npos);
    EXPECT_NE(printed.find("password: \"***\""), std::string::npos) << printed;
    std::ostringstream out;
    out << Secret("hunter2");
    EXPECT_EQ(out.str(), "***");
}

TEST(Secrets, among_the_properties_of_kafka_must_be_references_too) {
    EXPECT_EQ(changed("[\"k:9092\"]", "[\"k:9092\"], properties: {sasl.password: hunter2}"),
              "t.yaml:2: kafka.properties.sasl.password: a secret is never written here: use "
              "${file:/path}, ${env:NAME} or ${cred:name}");
    EXPECT_EQ(changed("[\"k:9092\"]", "[\"k:9092\"], properties: {sasl.password: \"${env:PW}\"}"),
              "");
}

TEST(Secrets, a_moved_from_secret_is_empty) {
    Secret first("a-short-one");
    const Secret second(std::move(first));
    EXPECT_EQ(second.reveal(), "a-short-one");
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is the point
}

TEST(Variables, are_replaced_in_any_value_and_files_are_not) {
    const auto replaced = [](std::string_view slot, const Surroundings& around) {
        std::string text(kSmall);
        text.replace(text.find("slot: s"), 7, "slot: " + std::string(slot));
        text.replace(text.find("${env:PW}"), 9, "${env:SITE}");
        return mistakes(text, around);
    };
    EXPECT_EQ(replaced("\"s_${env:SITE}\"", given({{"SITE", "x"}})), "");
    EXPECT_EQ(replaced("\"s_${env:PLACE}\"", given({{"SITE", "x"}})),
              "t.yaml:7: sources[0].slot: environment variable PLACE is not set");
    EXPECT_EQ(replaced("\"${file:/etc/slot}\"", given({{"SITE", "x"}}, {{"/etc/slot", "s"}})),
              "t.yaml:7: sources[0].slot: only ${env:NAME} can stand here (write $${ for a plain "
              "${); ${file:..} and ${cred:..} are for passwords and keys");
}

TEST(Yaml, duplicates_anchors_tags_and_second_documents_are_refused) {
    const auto refused = [](std::string_view text) {
        const auto parsed = parse_yaml(text, "t.yaml");
        return parsed.has_value() ? std::string() : parsed.error().what();
    };
    EXPECT_EQ(refused("a: 1\nb: 2\n"), "");
    EXPECT_EQ(refused("a: 1\na: 2\n"), "t.yaml:2: duplicate key \"a\", first on line 1");
    EXPECT_EQ(refused("a: &x 1\n"), "t.yaml:1: anchors (&name) are not supported");
    EXPECT_EQ(refused("a: *x\n"), "t.yaml:1: the referenced anchor is not defined");
    EXPECT_EQ(refused("a: !!int 1\n"), "t.yaml:1: tags (!name) are not supported");
    EXPECT_EQ(refused("a: 1\n---\nb: 2\n"), "t.yaml:1: the file holds more than one YAML document");
    EXPECT_EQ(refused("- 1\n"),
              "t.yaml:1: the file must be a mapping, such as `agent: {id: gw-17}`");
    EXPECT_NE(refused("a: [1, 2\n"), "");
    EXPECT_NE(refused("a: " + std::string(40, '[') + std::string(40, ']')), "");
    EXPECT_EQ(refused("a: " + std::string(20, '[') + std::string(20, ']')), "");
}

TEST(Reload, applies_the_log_level_and_names_what_needs_a_restart) {
    const auto changes = [](std::string_view before, std::string_view after) {
        const auto old = load_small(before);
        const auto fresh = load_small(after);
        EXPECT_TRUE(old.has_value() && fresh.has_value());
        return restart_needed(old.value(), fresh.value());
    };
    EXPECT_EQ(changes("", ""), "");
    EXPECT_EQ(changes("", "logging: {level: debug}"), "");
    EXPECT_EQ(changes("", "buffer: {max_bytes: 8GiB}"), "");  // the default
    EXPECT_EQ(changes("", "logging: {format: json}\nbuffer: {max_bytes: 1GiB}"),
              "buffer.max_bytes, logging.format");
    EXPECT_EQ(changes("admin: {listen: ['unix:/a']}", "admin: {listen: ['unix:/b']}"),
              "admin.listen");
}

TEST(Reload, names_a_secret_whose_value_is_another_now_and_does_not_show_it) {
    std::string text(kSmall);
    text.replace(text.find("\"k:9092\"]"),
                 9,
                 "\"k:9092\"], properties: {security.protocol: SASL_SSL, sasl.mechanism: PLAIN, "
                 "sasl.username: u, sasl.password: \"${file:/k}\"}");
    const auto loaded = [&](const std::string& ours, const std::string& theirs) {
        auto out =
            load_text(text, "t.yaml", agent::connectors(), given({{"PW", ours}}, {{"/k", theirs}}));
        EXPECT_TRUE(out.has_value()) << out.error().what();
        return std::move(out.value());
    };
    const Loaded old = loaded("one", "two");
    EXPECT_EQ(restart_needed(old, loaded("one", "two")), "");
    EXPECT_EQ(restart_needed(old, loaded("one", "other")), "kafka.properties.sasl.password");
    EXPECT_EQ(restart_needed(old, loaded("other", "two")), "sources[0].connection.password");
}

TEST(Secrets, that_cannot_be_had_are_named_with_what_is_wrong) {
    const auto refused = [](const std::string& content) {
        std::string text(kSmall);
        text.replace(text.find("${env:PW}"), 9, "${file:/pw}");
        return mistakes(text, given({}, {{"/pw", content}}));
    };
    const std::string where = "t.yaml:6: sources[0].connection.password: file /pw ";
    EXPECT_EQ(refused("x\n"), "");
    EXPECT_EQ(refused(""), where + "is empty");
    EXPECT_EQ(refused("\n"), where + "is empty");
    EXPECT_EQ(refused(std::string(65'537, 'x')), where + "is larger than 64KiB");
    std::string text(kSmall);
    text.replace(text.find("${env:PW}"), 9, "${file:/none}");
    EXPECT_EQ(mistakes(text),
              "t.yaml:6: sources[0].connection.password: file /none cannot be read");
}

TEST(Yaml, a_tab_that_indents_is_named) {
    const auto refused = [](std::string_view text) {
        const auto parsed = parse_yaml(text, "t.yaml");
        return parsed.has_value() ? std::string() : parsed.error().what();
    };
    const std::string tab = ": a tab indents this line; YAML takes spaces only";
    EXPECT_EQ(refused("a:\n  b: 1\n\tc: 2\n"), "t.yaml:3" + tab);
    EXPECT_EQ(refused("a:\n\tb: 1\n"), "t.yaml:2" + tab);
    EXPECT_EQ(refused("a:\n  b: 1\n  \tc: 2\nd: 3\n"), "t.yaml:3" + tab);
    EXPECT_EQ(refused("a: 1\t# said\nb: 2\n"), "");
    EXPECT_NE(refused("a: [1\nb: 2\n").find("t.yaml:"), std::string::npos);
    EXPECT_EQ(refused("a: [1\nb: 2\n").find("tab"), std::string::npos);
}

TEST(Load, a_topic_prefix_of_kafkas_or_our_own_is_refused) {
    for (const char* prefix : {"__x", "_tributary", "_tributary.x"}) {
        const std::string said = changed("prefix: plant", std::string("prefix: ") + prefix);
        EXPECT_NE(said.find("internal"), std::string::npos) << prefix << said;
    }
    EXPECT_EQ(changed("prefix: plant", "prefix: _x"), "");
    EXPECT_EQ(changed("prefix: plant", "prefix: _tributary2"), "");
}

class Folder : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "tributary_config_XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        std::filesystem::create_directory(folder_ / "conf.d");
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& name, std::string_view text) const {
        std::ofstream(folder_ / name) << text;
    }
    [[nodiscard]] Result<Loaded> load_all() const {
        return load(
            (folder_ / "tributary.yaml").string(), agent::connectors(), given({{"PW", "x"}}));
    }
    std::filesystem::path folder_;
};

TEST_F(Folder, a_folder_is_no_file_and_yml_is_not_passed_over) {
    std::filesystem::create_directory(folder_ / "tributary.yaml");
    const auto folder = load_all();
    ASSERT_FALSE(folder.has_value());
    EXPECT_EQ(folder.error().what(),
              (folder_ / "tributary.yaml").string() + ": is a directory, not a file");
    std::filesystem::remove(folder_ / "tributary.yaml");
    write("tributary.yaml", kSmall);
    write("conf.d/10.yml", "buffer: {max_bytes: 64MiB}\n");
    const auto other = load_all();
    ASSERT_FALSE(other.has_value());
    EXPECT_EQ(other.error().what(),
              (folder_ / "conf.d/10.yml").string() + ": is not read; name it .yaml");
}

TEST_F(Folder, conf_d_adds_sources_in_the_order_of_the_names) {
    std::string second(kSmall.substr(kSmall.find("sources")));
    second.replace(second.find("plant"), 5, "other");
    second.replace(second.find("slot: s"), 7, "slot: t");
    write("tributary.yaml", kSmall);
    write("conf.d/20.yaml", second);
    write("conf.d/30.txt", "not: read");
    write("conf.d/10.yaml", "buffer: {max_bytes: 64MiB}\n");
    const auto loaded = load_all();
    ASSERT_TRUE(loaded.has_value()) << loaded.error().what();
    ASSERT_EQ(loaded.value().config.sources.size(), 2U);
    EXPECT_EQ(loaded.value().config.sources[1].name, "other");
    EXPECT_EQ(loaded.value().config.buffer.max_bytes, 64ULL << 20U);
}

TEST_F(Folder, a_key_in_two_files_is_refused_with_both_places) {
    write("tributary.yaml", kSmall);
    write("conf.d/10.yaml", "\nagent: {id: gw-18}\n");
    const auto loaded = load_all();
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().what(),
              (folder_ / "conf.d/10.yaml").string() + ":2: duplicate key \"agent.id\", first at " +
                  (folder_ / "tributary.yaml").string() + ":1");
}

TEST_F(Folder, a_file_that_is_not_there_is_named) {
    const auto loaded = load_all();
    ASSERT_FALSE(loaded.has_value());
    EXPECT_TRUE(loaded.error().is(errors::kConfigInvalid));
    EXPECT_EQ(loaded.error().what(),
              (folder_ / "tributary.yaml").string() + ": the file cannot be read");
}

}  // namespace
}  // namespace tributary::config
