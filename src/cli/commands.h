// The verbs of the command: each takes parsed arguments and gives the process's exit code. Main
// thread.
#pragma once

#include <cstdint>
#include <string>

namespace tributary::cli {

struct Common {
    std::string config_file = "/etc/tributary/tributary.yaml";
    bool json = false;
};

struct PeekArguments {
    std::string pipeline;
    std::uint64_t from = 0;
    std::uint32_t limit = 20;
    bool values = false;
};

struct TapArguments {
    std::string pattern = "*";  // glob on the topic
    std::string source;         // at log: only this one; empty: all
    bool at_kafka = false;
    std::uint32_t limit = 0;  // records to show; 0: until Ctrl-C
};

struct ExportArguments {
    std::string source;
    std::uint64_t from = 0;
    std::uint64_t to = 0;  // 0: up to what is there at the start
    bool raw = false;
    std::string file;  // "-": stdout
};

struct DropArguments {
    std::string source;
    std::string before;  // a sequence or a time
    bool yes = false;
};

[[nodiscard]] int run(const Common& common, bool fail_fast);
// `offline`: the configuration and the state directory only; nothing is connected to.
[[nodiscard]] int check(const Common& common, bool offline);
[[nodiscard]] int status(const Common& common);
// status again and again, with rates, until Ctrl-C or `rounds` (0: no end).
[[nodiscard]] int top(const Common& common, std::uint32_t rounds);
// What a colleague needs to help, in one text file without secrets or row values.
[[nodiscard]] int support_bundle(const Common& common, const std::string& file);
// Events as they pass, one a line (`json`: whole), until Ctrl-C or `limit`.
[[nodiscard]] int tap(const Common& common, const TapArguments& arguments);
// Events of the local log as JSON lines into a new file.
[[nodiscard]] int buffer_export(const Common& common, const ExportArguments& arguments);
// Gives up undelivered events, after a question.
[[nodiscard]] int buffer_drop(const Common& common, const DropArguments& arguments);
[[nodiscard]] int buffer_list(const Common& common);
[[nodiscard]] int buffer_peek(const Common& common, const PeekArguments& arguments);
[[nodiscard]] int buffer_verify(const Common& common);
[[nodiscard]] int dead_letter_list(const Common& common,
                                   const std::string& pipeline,
                                   std::uint32_t limit);
[[nodiscard]] int dead_letter_show(const Common& common, std::uint64_t id);
[[nodiscard]] int dead_letter_replay(const Common& common, std::uint64_t id);
[[nodiscard]] int reset(const Common& common, const std::string& source, const std::string& from);
[[nodiscard]] int config_print(const Common& common);
[[nodiscard]] int config_schema(bool markdown);

struct DebeziumArguments {
    std::string connector_file;
    std::string offset_file;  // empty: none
    std::string bootstrap_servers;
};
// The YAML on stdout, what to know about it on stderr.
[[nodiscard]] int config_from_debezium(const DebeziumArguments& arguments);
[[nodiscard]] int version();

}  // namespace tributary::cli
