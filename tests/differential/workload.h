// A random history of a few tables, from a seed: transactions with savepoints and rollbacks, key
// changes, deletes, truncations, and between them changes of structure. SQL only, of a kind that
// PostgreSQL does not refuse: rows are kept as the ids that exist. Pure.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/differential/catalogue.h"
#include "tests/differential/database.h"

namespace tributary::differential {

class Workload final : public History {
  public:
    // Tables are named after the seed.
    explicit Workload(std::uint64_t seed);

    [[nodiscard]] std::vector<std::string> create() override;
    [[nodiscard]] std::vector<std::string> changes() override;
    [[nodiscard]] std::vector<std::string> structure() override;

  private:
    struct Column {
        std::string name;
        const TypeCase* type = nullptr;
        bool array = false;
        bool not_null = false;
    };
    struct Table {
        std::string name;
        std::string key = "id";  // its column, int; without a primary key in keyless tables
        bool keyless = false;
        std::vector<Column> columns = {};
        std::vector<int> rows = {};
    };

    std::size_t below(std::size_t bound);
    bool chance(unsigned percent) { return below(100) < percent; }
    Column draw_column();
    std::string draw_value(const Column& column);
    std::string definition(const Column& column);
    std::string create_table();
    std::string change(Table& table);
    std::string insert(Table& table);
    std::string update(Table& table, int row);
    std::string transaction();

    std::mt19937_64 random_;
    std::string prefix_;
    std::vector<const TypeCase*> types_;
    std::vector<Table> tables_;
    int names_ = 0;
    int ids_ = 0;
};

}  // namespace tributary::differential
