// A random history of a few tables of MySQL or MariaDB: workload.h.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/differential/binlog_catalogue.h"
#include "tests/differential/database.h"

namespace tributary::differential {

class BinlogWorkload final : public History {
  public:
    // Tables are named after the seed.
    BinlogWorkload(std::uint64_t seed, bool mysql);

    [[nodiscard]] std::vector<std::string> create() override;
    [[nodiscard]] std::vector<std::string> changes() override;
    [[nodiscard]] std::vector<std::string> structure() override;

  private:
    struct Column {
        std::string name;
        const BinlogType* type = nullptr;
        bool not_null = false;
        bool has_default = false;
        bool generated = false;
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
    Column draw_added();
    std::string draw_value(const Column& column);
    std::string definition(const Column& column) const;
    std::string create_table();
    std::string change(Table& table);
    std::string insert(Table& table);
    std::string update(Table& table, int row);
    std::string transaction();
    std::string alter(Table& table);

    std::mt19937_64 random_;
    std::string prefix_;
    bool mysql_;
    std::vector<Table> tables_;
    int names_ = 0;
    int ids_ = 0;
};

}  // namespace tributary::differential
