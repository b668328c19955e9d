// tributary-torture: the real agent between real sources and a real Kafka, faults from a seed,
// exact oracles. Threads: main spawns every process.
#include <CLI/CLI.hpp>

#include <cstdlib>
#include <iostream>
#include <map>

#include "tests/servers/failure.h"
#include "tests/servers/kafka.h"
#include "tests/torture/run.h"

int main(int argc, char** argv) {
    using tributary::torture::Plant;
    CLI::App app{"Faults from a seed against the real agent, judged exactly", "tributary-torture"};
    tributary::torture::RunOptions options;
    std::int64_t limit_s = 0;
    const std::map<std::string, Plant> plants{{"none", Plant::none},
                                              {"lose", Plant::lose},
                                              {"twice", Plant::twice},
                                              {"swap", Plant::swap}};
    app.add_option("--agent", options.agent, "The binary under test")
        ->required()
        ->check(CLI::ExistingFile);
    app.add_option("--seed", options.seed, "Faults and load are drawn from it")
        ->envname("TRIBUTARY_TORTURE_SEED")
        ->capture_default_str();
    app.add_option("--faults", options.faults, "How many")->capture_default_str();
    app.add_option("--faults-min", options.faults_min, "Fewer is a failure")->capture_default_str();
    app.add_option("--disk-shim", options.disk_shim, "Library that is preloaded into it")
        ->required()
        ->check(CLI::ExistingFile);
    app.add_option("--sources", options.sources, "Which, separated by commas")
        ->delimiter(',')
        ->capture_default_str();
    app.add_option("--kafka", options.kafka, "Apache Kafka version; by default the seed decides")
        ->check(CLI::IsMember({tributary::servers::kKafka3, tributary::servers::kKafka4}));
    app.add_option("--seconds", limit_s, "No further fault after this long; 0: no limit");
    app.add_flag("--keep", options.keep, "Keep the folder after success too");
    app.add_option("--plant", options.plant, "Spoil what was read: the run must then fail")
        ->transform(CLI::CheckedTransformer(plants));
    CLI11_PARSE(app, argc, argv);
    options.limit = std::chrono::seconds(limit_s);
    if (options.kafka.empty()) {
        options.kafka =
            options.seed % 2 == 1 ? tributary::servers::kKafka3 : tributary::servers::kKafka4;
    }
    try {
        return tributary::torture::run_torture(options);
    } catch (const std::exception& error) {
        std::cerr << "torture: seed " << options.seed << ": " << error.what() << '\n';
        return 2;
    }
}
