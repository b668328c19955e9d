#include "config/units.h"

#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace tributary::config {

namespace {

struct Unit {
    std::string_view name;
    std::int64_t factor;
};

// Ascending, so that printing takes the last that divides. The units of ten are read, not printed.
constexpr std::array kSizes{
    Unit{"B", 1},
    Unit{"KiB", std::int64_t{1} << 10U},
    Unit{"MiB", std::int64_t{1} << 20U},
    Unit{"GiB", std::int64_t{1} << 30U},
    Unit{"TiB", std::int64_t{1} << 40U},
};
constexpr std::array kSizesOfTen{
    Unit{"KB", 1'000},
    Unit{"MB", 1'000'000},
    Unit{"GB", 1'000'000'000},
    Unit{"TB", 1'000'000'000'000},
};
constexpr std::array kDurations{
    Unit{"ms", 1},
    Unit{"s", 1'000},
    Unit{"m", 60'000},
    Unit{"h", 3'600'000},
    Unit{"d", 86'400'000},
};

std::optional<std::int64_t> factor_of(std::string_view name, std::span<const Unit> units) {
    for (const Unit& unit : units) {
        if (unit.name == name) {
            return unit.factor;
        }
    }
    return std::nullopt;
}

// Splits "8 GiB" into 8 and "GiB". The number has no sign.
struct Quantity {
    std::int64_t number = 0;
    std::string_view unit;
};

std::optional<Quantity> split(std::string_view text) {
    Quantity quantity;
    const char* const end = text.data() + text.size();
    const auto [after, error] = std::from_chars(text.data(), end, quantity.number);
    if (error != std::errc{} || quantity.number < 0) {
        return std::nullopt;
    }
    quantity.unit = text.substr(static_cast<std::size_t>(after - text.data()));
    if (quantity.unit.starts_with(' ')) {
        quantity.unit.remove_prefix(1);
        if (quantity.unit.empty()) {
            return std::nullopt;
        }
    }
    return quantity;
}

std::optional<std::int64_t> multiply(std::int64_t number, std::int64_t factor) {
    if (number > std::numeric_limits<std::int64_t>::max() / factor) {
        return std::nullopt;
    }
    return number * factor;
}

std::string print(std::int64_t value, std::span<const Unit> units) {
    const Unit* best = units.data();
    for (const Unit& unit : units) {
        best = value % unit.factor == 0 ? &unit : best;
    }
    return std::to_string(value / best->factor) + std::string(best->name);
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [after, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || after != end) {
        return std::nullopt;
    }
    return number;
}

std::optional<std::int64_t> parse_size(std::string_view text) {
    const auto quantity = split(text);
    if (!quantity) {
        return std::nullopt;
    }
    if (quantity->unit.empty()) {
        return quantity->number;
    }
    auto factor = factor_of(quantity->unit, kSizes);
    if (!factor) {
        factor = factor_of(quantity->unit, kSizesOfTen);
    }
    return factor ? multiply(quantity->number, *factor) : std::nullopt;
}

std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
    const auto quantity = split(text);
    if (!quantity) {
        return std::nullopt;
    }
    if (quantity->unit.empty()) {
        return quantity->number == 0 ? std::optional<std::int64_t>(0) : std::nullopt;
    }
    const auto factor = factor_of(quantity->unit, kDurations);
    return factor ? multiply(quantity->number, *factor) : std::nullopt;
}

std::string print_size(std::int64_t bytes) {
    return bytes == 0 ? "0" : print(bytes, kSizes);
}

std::string print_duration_ms(std::int64_t milliseconds) {
    return milliseconds == 0 ? "0" : print(milliseconds, kDurations);
}

}  // namespace tributary::config
