// tributary-consumer: an independent consumer that says what is in Kafka. See verbs.h.
#include <CLI/CLI.hpp>

#include <iostream>

#include "tests/consumer/verbs.h"
#include "tests/servers/failure.h"

int main(int argc, char** argv) {
    CLI::App app("Reads the topics of an agent as a consumer does");
    app.require_subcommand(1);
    tributary::consumer::Materialise compare;
    auto* materialise_verb =
        app.add_subcommand("materialise", "Tables rebuilt from topics = tables");
    materialise_verb->add_option("--bootstrap", compare.bootstrap)->required();
    materialise_verb->add_option("--conninfo", compare.conninfo)->required();
    materialise_verb->add_option("--prefix", compare.prefix)->required();
    materialise_verb->add_option("tables", compare.tables)->required();
    tributary::consumer::Tail watch;
    int idle_s = 5;
    auto* tail_verb = app.add_subcommand("tail", "Prints change events");
    tail_verb->add_option("--bootstrap", watch.bootstrap)->required();
    tail_verb->add_option("--prefix", watch.prefix)->required();
    tail_verb->add_option("--idle", idle_s, "Seconds without an event after which it ends");
    tail_verb->add_option("--most", watch.most, "Events to print");
    tail_verb->add_option("tables", watch.tables)->required();
    CLI11_PARSE(app, argc, argv);
    watch.idle = std::chrono::seconds(idle_s);
    try {
        return materialise_verb->parsed() ? tributary::consumer::materialise(compare)
                                          : tributary::consumer::tail(watch);
    } catch (const tributary::servers::ServerFailure& failure) {
        std::cerr << "tributary-consumer: " << failure.what() << '\n';
        return 2;
    }
}
