// What mysqlbinlog or mariadb-binlog (--base64-output=decode-rows --verbose) says was committed: a
// second reader of the binlog files, which shares nothing with the connector. Pure; any thread.
//
// A transaction begins with its GTID and ends with COMMIT or an Xid event. One that is followed by
// the next GTID without an end was cut off by a crash and never happened. Rows of an XA transaction
// are logged when it is prepared; they belong to the transaction of its XA COMMIT.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/torture/judge.h"

namespace tributary::torture {

// The table of ALTER TABLE statements, each a transaction with one change 's'.
inline constexpr const char* kAlterations = "alterations";

class BinlogTruthParser {
  public:
    // Rows of other databases are left out.
    explicit BinlogTruthParser(std::string database) : database_(std::move(database)) {}

    // One line, in order. Throws ServerFailure for a row that it does not understand.
    void add(std::string_view line);
    // Ends with the last line.
    [[nodiscard]] std::vector<TrueTransaction> take();

  private:
    enum class Image { none, before, after };

    void begin(std::string_view gtid);
    void add_row_line(std::string_view text);
    void start_change(char op, std::string_view table);
    void finish_change();
    void commit();
    void add_xa_line(std::string_view line);

    std::string database_;
    std::optional<TrueTransaction> open_;
    std::optional<TrueChange> change_;
    bool selected_ = false;  // the change is of our database
    Image image_ = Image::none;
    std::map<std::string, std::vector<TrueChange>> prepared_;  // by xid
    std::vector<TrueTransaction> transactions_;
};

}  // namespace tributary::torture
