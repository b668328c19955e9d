// tail: one line per event, in the order of arrival.
#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/consumer/verbs.h"
#include "tests/servers/kafka_reader.h"

namespace tributary::consumer {
namespace {

std::string one_line(const servers::KafkaRecord& record) {
    const std::string key = record.key.value_or("-");
    if (!record.value) {
        return "tombstone " + record.topic + " " + key;
    }
    const auto value = nlohmann::json::parse(*record.value);
    const auto& payload = value.contains("payload") ? value.at("payload") : value;
    const std::string operation = payload.value("op", "?");
    const auto& image = payload.value("after", nlohmann::json()).is_null() ? payload.at("before")
                                                                           : payload.at("after");
    return operation + "         " + record.topic + " " + key + " " + image.dump();
}

}  // namespace

int tail(const Tail& arguments) {
    servers::KafkaReader reader({.bootstrap = arguments.bootstrap});
    for (const std::string& table : arguments.tables) {
        reader.follow(arguments.prefix + "." + table);
    }
    int seen = 0;
    while (const auto record = reader.next(arguments.idle)) {
        if (++seen <= arguments.most) {
            std::cout << "  " << one_line(*record) << '\n';
        }
    }
    if (seen > arguments.most) {
        std::cout << "  ... and " << seen - arguments.most << " more\n";
    }
    return seen > 0 ? 0 : 1;
}

}  // namespace tributary::consumer
