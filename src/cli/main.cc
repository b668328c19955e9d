// The `tributary` command: parses arguments and calls a verb.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <limits>
#include <string>

#include "cli/commands.h"
#include "cli/usage.h"
#include "model/errors.h"

namespace {

using tributary::cli::Common;
using tributary::cli::PeekArguments;
using tributary::cli::whole_number;

constexpr std::uint64_t kCountMax = std::numeric_limits<std::uint32_t>::max();

struct Arguments {
    Common common;
    PeekArguments peek;
    bool fail_fast = false;
    bool offline = false;
    std::uint32_t rounds = 0;
    std::string file;
    std::string pipeline;
    std::uint32_t limit = 100;
    std::uint64_t id = 0;
    std::string source;
    std::string from;
    bool markdown = false;
    tributary::cli::DebeziumArguments debezium;
    tributary::cli::TapArguments tap;
    std::string tap_at = "log";
    tributary::cli::ExportArguments copy;
    tributary::cli::DropArguments drop;
    tributary::cli::SnapshotArguments snapshot;
};

using Verb = std::function<int()>;

void add_buffer(CLI::App& app, Arguments& arguments, Verb& verb) {
    auto* buffer = app.add_subcommand("buffer", "Look into the local log");
    buffer->require_subcommand(1);
    auto* list = buffer->add_subcommand("ls", "Streams, their sequences and sizes");
    list->final_callback([&] { verb = [&] { return buffer_list(arguments.common); }; });
    auto* peek = buffer->add_subcommand("peek", "Entries of one source, as JSON lines");
    peek->add_option("source", arguments.peek.pipeline, "Name of the source")->required();
    peek->add_option("--from", arguments.peek.from, "First sequence (default: the oldest)")
        ->check(whole_number());
    peek->add_option("-n,--limit", arguments.peek.limit, "How many entries")
        ->check(whole_number(1, 1000))
        ->capture_default_str();
    peek->add_flag(
        "--values", arguments.peek.values, "Payloads too (base64): these are row values");
    peek->final_callback(
        [&] { verb = [&] { return buffer_peek(arguments.common, arguments.peek); }; });
    auto* verify = buffer->add_subcommand("verify", "Read and check every entry");
    verify->final_callback([&] { verb = [&] { return buffer_verify(arguments.common); }; });
    auto* copy = buffer->add_subcommand("export", "Copy events of one source as JSON lines");
    copy->add_option("file", arguments.copy.file, "A new file, or - for stdout")->required();
    copy->add_option("--source", arguments.copy.source, "Name of the source")->required();
    copy->add_option("--from", arguments.copy.from, "First sequence (default: the oldest)")
        ->check(whole_number());
    copy->add_option("--to", arguments.copy.to, "Last sequence (default: the newest)")
        ->check(whole_number());
    copy->add_flag("--raw", arguments.copy.raw, "What the source said, instead of records");
    copy->final_callback(
        [&] { verb = [&] { return buffer_export(arguments.common, arguments.copy); }; });
    auto* drop = buffer->add_subcommand("drop", "Give up events that are not in Kafka yet");
    drop->add_option("--source", arguments.drop.source, "Name of the source")->required();
    drop->add_option("--before",
                     arguments.drop.before,
                     "First sequence to keep; or a time (2026-11-26T04:17, UTC) or age (2h)")
        ->required();
    drop->add_flag("--yes", arguments.drop.yes, "Do not ask");
    drop->final_callback(
        [&] { verb = [&] { return buffer_drop(arguments.common, arguments.drop); }; });
}

void add_tap(CLI::App& app, Arguments& arguments, Verb& verb) {
    auto* tap = app.add_subcommand("tap", "Show events as they pass, until Ctrl-C");
    tap->add_option("pattern", arguments.tap.pattern, "Topics: * is anything, ? one character")
        ->capture_default_str();
    tap->add_option("--source", arguments.tap.source, "Only of this source (at the log)");
    tap->add_option("--at", arguments.tap_at, "Where to look: log, or kafka (committed records)")
        ->check(CLI::IsMember({"log", "kafka"}))
        ->capture_default_str();
    tap->add_option("-n,--limit", arguments.tap.limit, "End after so many")
        ->check(whole_number(1, kCountMax));
    tap->add_flag("--json", arguments.common.json, "Whole, as JSON lines");
    tap->final_callback([&] {
        verb = [&] {
            arguments.tap.at_kafka = arguments.tap_at == "kafka";
            return tributary::cli::tap(arguments.common, arguments.tap);
        };
    });
}

void add_dead_letter(CLI::App& app, Arguments& arguments, Verb& verb) {
    auto* dead = app.add_subcommand("deadletter", "Records that could not be delivered");
    dead->require_subcommand(1);
    auto* list = dead->add_subcommand("ls", "List them");
    list->add_option("--source", arguments.pipeline, "Only of this source");
    list->add_option("-n,--limit", arguments.limit, "How many")
        ->check(whole_number(1, kCountMax))
        ->capture_default_str();
    list->final_callback([&] {
        verb = [&] {
            return dead_letter_list(arguments.common, arguments.pipeline, arguments.limit);
        };
    });
    auto* show = dead->add_subcommand("show", "One of them, with its bytes");
    show->add_option("id", arguments.id, "Its number")->check(whole_number())->required();
    show->final_callback(
        [&] { verb = [&] { return dead_letter_show(arguments.common, arguments.id); }; });
    auto* replay = dead->add_subcommand("replay", "Deliver it again (the agent must run)");
    replay->add_option("id", arguments.id, "Its number")->check(whole_number())->required();
    replay->final_callback(
        [&] { verb = [&] { return dead_letter_replay(arguments.common, arguments.id); }; });
}

void add_snapshot(CLI::App& app, Arguments& arguments, Verb& verb) {
    auto* snapshot = app.add_subcommand("snapshot", "Rows that tables already hold");
    snapshot->require_subcommand(1);
    auto* start = snapshot->add_subcommand("start", "Deliver the rows of a table (again)");
    start->add_option("--source", arguments.snapshot.source, "Name of the source")->required();
    start->add_option("--table", arguments.snapshot.tables, "schema.table; may be given again")
        ->required();
    start->add_option("--where", arguments.snapshot.where, "Only rows with this, in SQL");
    start->final_callback(
        [&] { verb = [&] { return snapshot_start(arguments.common, arguments.snapshot); }; });
    auto* stop = snapshot->add_subcommand("stop", "Take no more rows");
    stop->add_option("--source", arguments.snapshot.source, "Name of the source")->required();
    stop->add_option("--table", arguments.snapshot.tables, "schema.table (default: every table)");
    stop->final_callback(
        [&] { verb = [&] { return snapshot_stop(arguments.common, arguments.snapshot); }; });
    auto* status = snapshot->add_subcommand("status", "Rows done, rate and time left");
    status->add_option("--source", arguments.snapshot.source, "Only of this source");
    status->add_flag("--json", arguments.common.json, "As JSON");
    status->final_callback(
        [&] { verb = [&] { return snapshot_status(arguments.common, arguments.snapshot); }; });
}

void add_config(CLI::App& app, Arguments& arguments, Verb& verb) {
    auto* config = app.add_subcommand("config", "The configuration");
    config->require_subcommand(1);
    auto* print =
        config->add_subcommand("print", "What is in force, defaults included, secrets hidden");
    print->final_callback([&] { verb = [&] { return config_print(arguments.common); }; });
    auto* schema = config->add_subcommand("schema", "JSON Schema of the file");
    schema->add_flag("--markdown", arguments.markdown, "As the manual page docs/configuration.md");
    schema->final_callback(
        [&] { verb = [&] { return tributary::cli::config_schema(arguments.markdown); }; });
    auto* from =
        config->add_subcommand("from-debezium", "A Debezium connector's JSON as a configuration");
    from->add_option("file", arguments.debezium.connector_file, "The connector's JSON")->required();
    from->add_option("--offset", arguments.debezium.offset_file, "Its stored offset, as JSON");
    from->add_option(
        "--bootstrap-servers", arguments.debezium.bootstrap_servers, "Kafka, host:port,..");
    from->final_callback([&] { verb = [&] { return config_from_debezium(arguments.debezium); }; });
}

void add_verbs(CLI::App& app, Arguments& arguments, Verb& verb) {
    auto* run = app.add_subcommand("run", "Run the agent in the foreground");
    run->add_flag("--fail-fast", arguments.fail_fast, "End when the first pipeline is parked");
    run->final_callback(
        [&] { verb = [&] { return tributary::cli::run(arguments.common, arguments.fail_fast); }; });
    auto* check =
        app.add_subcommand("check", "Open every connection; name what is missing or in excess");
    check->add_flag("--offline", arguments.offline, "Connect to nothing");
    check->add_flag("--json", arguments.common.json, "As JSON");
    check->final_callback(
        [&] { verb = [&] { return tributary::cli::check(arguments.common, arguments.offline); }; });
    auto* status = app.add_subcommand("status", "What the running agent does");
    status->add_flag("--json", arguments.common.json, "As JSON");
    status->final_callback(
        [&] { verb = [&] { return tributary::cli::status(arguments.common); }; });
    auto* top = app.add_subcommand("top", "Rates of the running agent, every second");
    top->add_option("-n", arguments.rounds, "How often (default: until Ctrl-C)")
        ->check(whole_number(1, kCountMax));
    top->final_callback(
        [&] { verb = [&] { return tributary::cli::top(arguments.common, arguments.rounds); }; });
    add_tap(app, arguments, verb);
    add_buffer(app, arguments, verb);
    add_dead_letter(app, arguments, verb);
    add_snapshot(app, arguments, verb);
    auto* reset =
        app.add_subcommand("reset", "Make a source go on elsewhere, accepting what is missed");
    reset->add_option("source", arguments.source, "Name of the source")->required();
    reset
        ->add_option(
            "--from", arguments.from, "`now`, an LSN, GTIDs, or FILE:OFFSET of a binary log")
        ->required();
    reset->final_callback([&] {
        verb = [&] {
            return tributary::cli::reset(arguments.common, arguments.source, arguments.from);
        };
    });
    add_config(app, arguments, verb);
    auto* bundle =
        app.add_subcommand("support-bundle", "What a colleague needs to help, without secrets");
    bundle->add_option("file", arguments.file, "The text file to make")->required();
    bundle->final_callback([&] {
        verb = [&] { return tributary::cli::support_bundle(arguments.common, arguments.file); };
    });
    app.add_subcommand("version", "Version of the agent")->final_callback([&] {
        verb = tributary::cli::version;
    });
}

int run_command(int argc, char** argv) {
    CLI::App app("Tributary: change data capture to Kafka, exactly once", "tributary");
    Arguments arguments;
    Verb verb;
    app.add_option("-c,--config", arguments.common.config_file, "Configuration file")
        ->capture_default_str();
    app.set_version_flag("-V,--version", std::string("tributary ") + TRIBUTARY_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    app.failure_message(tributary::cli::explain_usage);
    add_verbs(app, arguments, verb);
    if (argc < 2) {
        (void)std::fputs(app.help().c_str(), stderr);
        return tributary::errors::kExitConfig;
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : tributary::errors::kExitConfig;
    }
    return verb();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run_command(argc, argv);
    } catch (const std::exception& error) {  // no memory, or a defect: say so rather than abort
        (void)std::fputs("tributary: ", stderr);
        (void)std::fputs(error.what(), stderr);
        (void)std::fputs("\n", stderr);
        return tributary::errors::kExitInternal;
    }
}
