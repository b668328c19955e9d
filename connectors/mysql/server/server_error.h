// What an error of the server or of the client library means. Pure; any thread. MySQL 9 manual,
// "Server Error Message Reference"; MariaDB knowledge base, "MariaDB Error Codes"; "Error: 1236".
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace tributary::mysql {

// The row of the error table by number and, where one number has several meanings (1236), by the
// server's words. Unknown ones of the client library (2000 and up) are kSourceUnreachable.
[[nodiscard]] const ErrorKind& kind_of(unsigned number, std::string_view message);

// "<doing>: <message> (error <number>)", and the statement that mends it where there is one.
[[nodiscard]] Error server_error(unsigned number, std::string_view message, std::string_view doing);

}  // namespace tributary::mysql
