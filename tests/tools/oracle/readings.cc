#include "tests/tools/oracle/readings.h"

#include <nlohmann/json.hpp>

namespace tributary::oracle {

void Readings::add(std::string_view value) {
    const auto reading = nlohmann::json::parse(value);
    devices_[reading.at("dev").get<std::string>()].insert(reading.at("seq").get<std::uint64_t>());
    ++records_;
}

std::size_t Readings::distinct() const {
    std::size_t sum = 0;
    for (const auto& [device, numbers] : devices_) {
        sum += numbers.size();
    }
    return sum;
}

std::size_t Readings::missing() const {
    std::size_t sum = 0;
    for (const auto& [device, numbers] : devices_) {
        sum += static_cast<std::size_t>(*numbers.rbegin()) - numbers.size();
    }
    return sum;
}

}  // namespace tributary::oracle
