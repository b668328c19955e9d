// What a read_committed consumer sees against what was committed in SimMysql: as oracle.h has it
// for SimPostgres. Pure.
#pragma once

#include <string>

#include "tests/sim/oracle.h"
#include "tests/sim/sim_mysql.h"

namespace tributary::sim {

struct BinlogDuty {
    // Several agents may have begun, each where the server was, or one did so again.
    bool may_pass_over = false;
    SnapshotDuty snapshots{};
};
[[nodiscard]] Judgement judge(const SimMysql& server,
                              const SimKafka& kafka,
                              const std::string& checkpoint_topic,
                              const BinlogDuty& duty);

}  // namespace tributary::sim
