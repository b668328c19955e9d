// Which of the two servers a binlog comes from: their formats differ in places.
#pragma once

#include <cstdint>

namespace tributary::mysql {

enum class ServerKind : std::uint8_t { mysql = 1, mariadb = 2 };

}  // namespace tributary::mysql
