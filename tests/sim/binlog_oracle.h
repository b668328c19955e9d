// What a read_committed consumer sees against what was committed in SimMysql: as oracle.h has it
// for SimPostgres. Pure.
#pragma once

#include <string>

#include "tests/sim/oracle.h"
#include "tests/sim/sim_mysql.h"

namespace tributary::sim {

// `may_pass_over`: several agents may have begun, each where the server was.
[[nodiscard]] Judgement judge(const SimMysql& server,
                              const SimKafka& kafka,
                              const std::string& checkpoint_topic,
                              bool may_pass_over);

}  // namespace tributary::sim
