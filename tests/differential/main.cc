// tributary-differential: a real Debezium and the agent follow the same databases; what they
// write is compared. Threads: main spawns every process.
#include <CLI/CLI.hpp>

#include <iostream>

#include "tests/differential/run.h"
#include "tests/servers/failure.h"

int main(int argc, char** argv) {
    CLI::App app{"The agent beside a real Debezium, compared field by field",
                 "tributary-differential"};
    tributary::differential::RunOptions options;
    app.add_option("--agent", options.agent, "The binary under test")
        ->required()
        ->check(CLI::ExistingFile);
    app.add_option("--differences", options.differences, "docs/debezium-differences.md")
        ->required()
        ->check(CLI::ExistingFile);
    app.add_option("--seed", options.seed, "The random workload is drawn from it")
        ->envname("TRIBUTARY_DIFFERENTIAL_SEED")
        ->capture_default_str();
    app.add_option("--seeds", options.seeds, "How many seeds, from that one on")
        ->capture_default_str();
    app.add_option("--rounds", options.rounds, "Of each workload: changes, then one DDL statement")
        ->capture_default_str();
    app.add_flag_callback(
        "--long", [&options] { options.seeds = 40; }, "The same as --seeds 40");
    app.add_option("--database", options.databases, "Only these")
        ->check(CLI::IsMember({"postgresql", "mysql", "mariadb"}))
        ->capture_default_str();
    app.add_option("--sql",
                   options.scripts,
                   "DATABASE=FILE: statements between blank lines; a "
                   "paragraph `-- quiesce` lets both sides read what is before it");
    app.add_flag("--masked", options.masked, "Print what is masked too");
    CLI11_PARSE(app, argc, argv);
    try {
        return tributary::differential::run_differential(options);
    } catch (const std::exception& error) {
        std::cerr << "differential: seed " << options.seed << ": " << error.what() << '\n';
        return 2;
    }
}
