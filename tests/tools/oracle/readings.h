// Whether every reading of tributary-sim is in a topic once: each device counts its readings from 1
// without a hole. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace tributary::oracle {

class Readings {
  public:
    // One record's value. Throws nlohmann::json::exception when it is no reading.
    void add(std::string_view value);

    [[nodiscard]] std::size_t records() const { return records_; }
    [[nodiscard]] std::size_t distinct() const;
    [[nodiscard]] std::size_t repeated() const { return records_ - distinct(); }
    // Below each device's highest number.
    [[nodiscard]] std::size_t missing() const;

  private:
    std::map<std::string, std::set<std::uint64_t>, std::less<>> devices_;
    std::size_t records_ = 0;
};

}  // namespace tributary::oracle
